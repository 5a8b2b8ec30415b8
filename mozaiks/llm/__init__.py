"""Models: the list of them, the one way to call one, and the one that is built in (A56).

One rule: no Django and no AG2 here; whoever calls a model calls ``stream_chat``.
"""

from mozaiks.llm.chat import CallObserver, ChatAnswer, ChatRequest, ToolCall, Usage
from mozaiks.llm.client import close, stream_chat
from mozaiks.llm.entries import ModelEntry, ModelList, load_model_list, offline_entry
from mozaiks.llm.errors import (
    ModelCallError,
    ModelConfigError,
    ModelInterrupted,
    ModelRejected,
    ModelTruncated,
    ModelUnavailable,
)
from mozaiks.llm.offline import Conversation, Facts, OfflineCall

__all__ = [
    "CallObserver",
    "ChatAnswer",
    "ChatRequest",
    "Conversation",
    "Facts",
    "ModelCallError",
    "ModelConfigError",
    "ModelEntry",
    "ModelInterrupted",
    "ModelList",
    "ModelRejected",
    "ModelTruncated",
    "ModelUnavailable",
    "OfflineCall",
    "ToolCall",
    "Usage",
    "close",
    "load_model_list",
    "offline_entry",
    "stream_chat",
]
