"""Every event of a chat's log, defined once (PROTOCOL section 3).

A class here gives the log's schema, the wire JSON, the documentation and the golden tests. A new event is one class and
its line in ``AnyEvent``.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Source = Literal["user", "agent", "general_agent", "tool", "system"]


class Event(BaseModel):
    """A fact of a chat's log: what is not in the log did not happen (law 1)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    source: Source = Field(default="system", exclude=True)

    counts_unread: ClassVar[bool] = False
    """Whether the event is something to read: a visible message, a question, an artifact."""
    keep_null: ClassVar[frozenset[str]] = frozenset()

    def data(self) -> dict[str, Any]:
        """The wire's ``data``: optional fields without a value are left out."""
        dumped = self.model_dump(mode="json", exclude={"type", "source"})
        return {key: value for key, value in dumped.items() if value is not None or key in self.keep_null}

    @property
    def unread(self) -> bool:
        return self.counts_unread and self.source != "user"


class Said(Event):
    """A message, whole. ``visible`` is false for a seed or hidden message, which no page shows (B58).

    ``partial`` is true when the run was stopped in the middle of it.
    """

    type: Literal["chat.text"] = "chat.text"
    message_id: UUID
    role: Literal["user", "assistant", "system"]
    agent: str | None = None
    content: str
    visible: bool = True
    structured_output: Any = None
    structured_schema: str | None = None
    partial: bool | None = None
    metadata: dict[str, Any] | None = None

    counts_unread: ClassVar[bool] = True
    keep_null: ClassVar[frozenset[str]] = frozenset({"agent"})

    @property
    def unread(self) -> bool:
        return super().unread and self.visible


class WorkflowStarted(Event):
    """The first event of a workflow chat: which definition it is frozen to."""

    type: Literal["chat.workflow_started"] = "chat.workflow_started"
    workflow_name: str
    definition_hash: str


class RunStarted(Event):
    """A run began; once per run, since a run keeps its id while it waits or is paused."""

    type: Literal["chat.run_start"] = "chat.run_start"
    run_id: UUID
    cause: Literal["start", "message", "retry"]


class RunCompleted(Event):
    """A run ended; ``usage`` is the sum of its ledger rows."""

    type: Literal["chat.run_complete"] = "chat.run_complete"
    run_id: UUID
    status: Literal["completed", "cancelled", "failed"]
    reason: str | None = None
    usage: dict[str, Any]


class SpeakerSelected(Event):
    """The route chose who speaks next."""

    type: Literal["chat.select_speaker"] = "chat.select_speaker"
    run_id: UUID
    agent: str


class ToolCalled(Event):
    """An agent called a tool."""

    type: Literal["chat.tool_call"] = "chat.tool_call"
    tool_call_id: str
    tool_name: str
    arguments: Any = None
    agent: str | None = None

    keep_null: ClassVar[frozenset[str]] = frozenset({"arguments"})


class ToolAnswered(Event):
    """A tool's outcome; ``not_completed`` when it is unknown and was not run again."""

    type: Literal["chat.tool_response"] = "chat.tool_response"
    tool_call_id: str
    tool_name: str | None = None
    status: Literal["ok", "error", "not_completed"]
    result: Any = None
    error: str | None = None


class InputRequested(Event):
    """The run waits for a person: a question, an approval or a form."""

    type: Literal["chat.input_request"] = "chat.input_request"
    input_request_id: UUID
    kind: Literal["question", "approval", "form"]
    prompt: str
    input_schema: dict[str, Any] | None = Field(default=None, serialization_alias="schema")
    options: list[Any] | None = None
    expires_at: str | None = None
    agent: str | None = None

    counts_unread: ClassVar[bool] = True
    keep_null: ClassVar[frozenset[str]] = frozenset({"schema"})

    def data(self) -> dict[str, Any]:
        data = super().data()
        data["schema"] = data.pop("input_schema", None)
        return data


class InputResolved(Event):
    """A question was answered, expired or was cancelled."""

    type: Literal["chat.input_resolved"] = "chat.input_resolved"
    input_request_id: UUID
    status: Literal["answered", "expired", "cancelled"]
    response: Any = None
    by: str | None = None


class ArtifactChanged(Event):
    """An artifact was made, changed, restored or bound to the chat; ``state`` up to 64 KiB, else null (D6)."""

    type: Literal["chat.artifact"] = "chat.artifact"
    artifact_id: UUID
    artifact_type: str
    version: int
    operation: Literal["created", "updated", "restored", "bound"]
    base_version: int | None = None
    json_patch: list[Any] | None = None
    state: Any = None
    ui_tool_id: str
    display: str = "artifact"

    counts_unread: ClassVar[bool] = True
    keep_null: ClassVar[frozenset[str]] = frozenset({"state"})


class Paused(Event):
    """The chat's run stopped at a safe point."""

    type: Literal["chat.paused"] = "chat.paused"
    reason: Literal["user", "general_mode", "budget"]


class Resumed(Event):
    """The chat's run goes on."""

    type: Literal["chat.resumed"] = "chat.resumed"


class StatusChanged(Event):
    """The chat's lifecycle changed. A failed run leaves it IN_PROGRESS; only the route or staff fails a chat (D2)."""

    type: Literal["chat.status"] = "chat.status"
    status: Literal["IN_PROGRESS", "COMPLETED", "FAILED"]


class Failed(Event):
    """Something went wrong that the user should know of."""

    type: Literal["chat.error"] = "chat.error"
    code: str
    message: str
    retryable: bool


AnyEvent = Annotated[
    Said
    | WorkflowStarted
    | RunStarted
    | RunCompleted
    | SpeakerSelected
    | ToolCalled
    | ToolAnswered
    | InputRequested
    | InputResolved
    | ArtifactChanged
    | Paused
    | Resumed
    | StatusChanged
    | Failed,
    Field(discriminator="type"),
]
EVENTS: dict[str, type[Event]] = {cls.model_fields["type"].default: cls for cls in Event.__subclasses__()}
ANY_EVENT: TypeAdapter[Any] = TypeAdapter(AnyEvent)


def parse_event(event_type: str, data: dict[str, Any]) -> Event | None:
    """The event as its class, or None for a type this version does not know; unknown fields are ignored."""
    cls = EVENTS.get(event_type)
    if cls is None:
        return None
    known = dict(data)
    if cls is InputRequested and "schema" in known:
        known["input_schema"] = known.pop("schema")
    return cls.model_validate({key: value for key, value in known.items() if key in cls.model_fields})
