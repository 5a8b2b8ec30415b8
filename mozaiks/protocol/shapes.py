"""The objects that signals, results and REST bodies share: a tab, the session, sums of usage (PROTOCOL section 4).

Each is the definition that the documentation and the tests read; the selectors that build them are checked against it.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["IN_PROGRESS", "COMPLETED", "FAILED"]
RunState = Literal["idle", "queued", "running", "waiting", "pausing", "paused", "failed"]


class Shape(BaseModel):
    """An object on the wire whose fields are all told here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class QueuedItem(Shape):
    """A message that waits until its chat takes it."""

    queued_id: UUID
    text: str
    created_at: str


class UsageTotals(Shape):
    """Absolute sums over ledger rows that are closed (law 9)."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: str | None = Field(description="A decimal number; null where no call has a known price.")
    calls: int
    unknown_calls: int = Field(description="Calls whose tokens the model server did not tell; they are in no sum.")


class LastArtifact(Shape):
    """The chat's newest artifact event (B11, B46); ``payload`` is a summary of a state above 64 KiB (B47)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    ui_tool_id: str
    event_id: UUID | None = None
    display: str
    workflow_name: str
    payload: Any = None
    artifact_id: UUID | None = None
    version: int | None = None


class ChatMetaBody(Shape):
    """What a client needs to show a chat (B16, B17, B35, B36)."""

    exists: Literal[True] = True
    chat_id: UUID
    workflow_name: str | None
    cache_seed: int | None
    last_artifact: LastArtifact | None
    artifact_instance_id: UUID | None
    artifact_type: str | None
    artifact_state: Any = Field(description="The artifact's newest state up to 64 KiB of JSON, else null (D6).")
    artifact_state_size: int | None = Field(description="Bytes of that state's JSON.")
    artifact_version: int | None
    status: Status
    run_state: RunState
    run_id: UUID | None = Field(description="The run that is not finished, where there is one.")
    last_sequence: int
    queue: list[QueuedItem]


class Tab(Shape):
    """A chat as the tab strip shows it."""

    chat_id: UUID
    kind: Literal["workflow", "general"]
    workflow_name: str | None
    label: str
    status: Status
    run_state: RunState
    pause_reason: str | None
    last_seq: int
    epoch: UUID
    unread: int = Field(description="Visible messages, questions and artifacts of others after the last one seen.")
    waiting: int = Field(description="Open input requests.")
    open: bool
    """Whether the chat has a tab in the strip; false once it was closed, and for general chats."""
    artifact_id: UUID | None
    created_at: str
    last_updated_at: str


class ModelShown(Shape):
    """The first entry of the model list."""

    name: str
    kind: Literal["offline", "local", "openai"]


class RefusedCursor(Shape):
    """A cursor of ``session.hello`` that cannot be followed."""

    chat_id: UUID
    code: str


class SessionState(Shape):
    """The whole session: what ``session.hello`` and ``session.list`` answer (PROTOCOL section 4)."""

    protocol: Literal[1]
    app_id: str
    user_id: str
    session_version: int
    mode: Literal["general", "workflow"]
    active_chat_id: UUID | None
    general_chat_id: UUID | None
    default_chat_id: UUID | None = Field(description="The oldest IN_PROGRESS workflow chat (B65).")
    tabs: list[Tab] = Field(description="The strip's open tabs in order, then the general chats, newest first.")
    limits: dict[str, int]
    model: ModelShown
    refused: list[RefusedCursor] | None = None


class ChatHead(Shape):
    """How far a followed chat was sent on this socket."""

    epoch: UUID
    seq: int
    digest: str
