"""Every signal: a frame that is in no log and carries no ``seq`` (PROTOCOL section 3, second table)."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from .shapes import ChatHead, ChatMetaBody, QueuedItem, Tab, UsageTotals


class Signal(BaseModel):
    """A hint to a connected client; losing one changes nothing but latency (law 1)."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)

    type: str

    def frame(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True, by_alias=True)


class Delta(Signal):
    """Text of an unfinished message: append when ``attempt`` is yours and ``offset`` is your length in code points."""

    type: Literal["chat.delta"] = "chat.delta"
    chat_id: UUID
    message_id: UUID
    agent: str
    attempt: int
    offset: int
    text: str


class ChatMeta(Signal, ChatMetaBody):
    """The body of ``GET /api/chats/meta`` (B14, B24); when a chat is opened, and when its artifact link changes."""

    type: Literal["chat_meta"] = "chat_meta"


class Queue(Signal):
    """The messages that wait until the chat's run is done."""

    type: Literal["chat.queue"] = "chat.queue"
    chat_id: UUID
    queue: list[QueuedItem]


class ModeChanged(Signal):
    """The user's session went into or out of general mode."""

    type: Literal["chat.mode_changed"] = "chat.mode_changed"
    mode: Literal["general", "workflow"]
    session_version: int
    general_chat_id: UUID | None = None
    general_chat_label: str | None = None
    general_chat_sequence: int | None = None
    active_chat_id: UUID | None = None


class ContextSwitched(Signal):
    """Another chat became the active one."""

    type: Literal["chat.context_switched"] = "chat.context_switched"
    from_chat_id: UUID | None
    to_chat_id: UUID | None
    workflow_name: str | None
    artifact_id: UUID | None
    session_version: int

    def frame(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


class Usage(Signal):
    """Absolute sums over the ledger, never increments (A41)."""

    type: Literal["chat.usage"] = "chat.usage"
    chat_id: UUID
    totals: UsageTotals


class SessionUpdated(Signal):
    """A tab's summary changed, or the chat is gone; for every chat of the user, followed or not."""

    type: Literal["session.updated"] = "session.updated"
    session_version: int
    chat: Tab | None = None
    removed: UUID | None = None


class ReplayBegin(Signal):
    """The events ``from`` to ``to`` follow; ``prev_digest`` is the digest before them."""

    type: Literal["replay.begin"] = "replay.begin"
    chat_id: UUID
    epoch: UUID
    first: int = Field(alias="from")
    last: int = Field(alias="to")
    prev_digest: str


class ReplayEnd(Signal):
    """All of the replay was sent; what follows is live."""

    type: Literal["replay.end"] = "replay.end"
    chat_id: UUID
    epoch: UUID
    seq: int
    digest: str


class ReplayGap(Signal):
    """The cursor cannot be answered exactly: the client forgets what it has of the chat (law 3)."""

    type: Literal["replay.gap"] = "replay.gap"
    chat_id: UUID
    reason: Literal["epoch", "expired", "ahead", "invalid"]
    epoch: UUID
    min_seq: int
    last_seq: int


class Heartbeat(Signal):
    """Every 20 s: the heads of the followed chats; a client behind one asks with ``chat.open``."""

    type: Literal["heartbeat"] = "heartbeat"
    session_version: int
    chats: dict[UUID, ChatHead]


class Drain(Signal):
    """The server is about to close with 1012; reconnect after ``retry_ms``, with jitter."""

    type: Literal["session.drain"] = "session.drain"
    retry_ms: int


SIGNALS: dict[str, type[Signal]] = {cls.model_fields["type"].default: cls for cls in Signal.__subclasses__()}
