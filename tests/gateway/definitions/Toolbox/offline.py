"""What the worker says without a language model: it calls its tool once."""

from typing import Any

from mozaiks.llm.chat import ToolCall
from mozaiks.llm.offline import Conversation


def worker(conversation: Conversation) -> Any:
    if conversation.tool_results:
        return "It is on its way."
    return ToolCall("call_launch", "launch", '{"name": "Aurora"}')
