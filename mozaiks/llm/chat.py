"""What goes into a model call and what comes out, in the shape every kind of model shares.

One rule: a figure the server did not report is None, never zero (law 9).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from mozaiks.llm.entries import ModelEntry
    from mozaiks.llm.errors import ModelCallError
    from mozaiks.llm.offline import OfflineCall


@dataclass(frozen=True)
class Usage:
    """Tokens of one call as the server counted them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class ToolCall:
    """A call the model asks for; ``arguments`` is the JSON text as it came, perhaps broken."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class ChatRequest:
    """One question to a model: messages, tools and response_format in OpenAI's chat format.

    ``entry`` names the preferred entry; ``offline`` is what the offline model may use besides the messages.
    ``accept_cut``: a free text that reached its limit of tokens is an answer (finish_reason ``length``), not an error.
    """

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] = field(default_factory=list)
    response_format: dict[str, Any] | None = None
    entry: str | None = None
    offline: OfflineCall | None = None
    accept_cut: bool = False

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema the answer must fit, None when any text will do."""
        wanted = self.response_format or {}
        if wanted.get("type") == "json_object":
            return {"type": "object"}
        schema = (wanted.get("json_schema") or {}).get("schema")
        return schema if isinstance(schema, dict) else None


@dataclass(frozen=True)
class ChatAnswer:
    """A complete answer; ``model`` is what the server says answered, ``entry`` which entry was asked."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    usage: Usage | None
    model: str
    entry: ModelEntry
    finish_reason: str
    response_id: str | None = None


class CallObserver(Protocol):
    """Hears of every try, so that each has its ledger row before it starts (law 9)."""

    async def opening(self, entry: ModelEntry) -> None:
        """Awaited before a try; what it raises refuses the call."""

    async def failed(self, entry: ModelEntry, error: ModelCallError) -> None:
        """That try failed; another may follow."""
