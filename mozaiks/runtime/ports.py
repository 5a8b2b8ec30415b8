"""What the runtime needs from the layer above, and what it hands to it.

Rule: everything in a :class:`Step` is JSON-able, and a step is stored in one transaction or not at all (law 7).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from uuid import UUID

from mozaiks.llm.client import Usage
from mozaiks.llm.entries import ModelEntry

ToolStatus = Literal["ok", "error", "not_completed"]
ParkKind = Literal["approval", "unknown_outcome", "question"]


@dataclass(frozen=True)
class Artifact:
    """A version of an artifact that a tool published, staged until the tool's result is stored."""

    artifact_type: str
    state: Any
    title: str | None = None
    artifact_id: str | None = None


@dataclass(frozen=True)
class OpenedCall:
    """A row of the ledger, committed as ``open`` before the model is called (law 9)."""

    call_id: UUID
    attempt: int
    """From 1; raised each time the same message is asked for again."""


@dataclass(frozen=True)
class ClosedCall:
    """The ledger row a response step closes. ``usage`` is None where the server did not tell."""

    call_id: UUID
    usage: Usage | None
    model: str
    finish_reason: str


@dataclass(frozen=True)
class Message:
    """What the agent said. ``final`` is True for exactly one message of a turn: its valid answer."""

    message_id: UUID
    text: str
    final: bool
    output: Any | None = None
    """The checked value of a final structured answer, as plain JSON; None for free text."""


@dataclass(frozen=True)
class ToolCallInfo:
    """A call the model asked for. ``arguments`` is the parsed JSON, or the raw text where it does not parse."""

    tool_call_id: str
    tool_name: str
    arguments: Any


@dataclass(frozen=True)
class ToolResultInfo:
    """How a call ended. ``result`` is None unless the status is ``ok``; ``error`` is one sentence for people."""

    tool_call_id: str
    tool_name: str
    status: ToolStatus
    result: Any = None
    error: str | None = None


@dataclass
class Step:
    """The commit unit inside a turn: a model's response or one tool's result.

    A response step without events and message closes a ledger row only: the call of a child agent.
    """

    kind: Literal["response", "tool_result"]
    events: list[dict[str, Any]] = field(default_factory=list)
    """Encoded AG2 events to append to the agent's stream, in order."""
    call: ClosedCall | None = None
    message: Message | None = None
    tool_calls: list[ToolCallInfo] = field(default_factory=list)
    tool_result: ToolResultInfo | None = None
    artifacts: list[Artifact] = field(default_factory=list)
    variables: dict[str, Any] | None = None
    """Absolute values after this step; None = unchanged."""


@dataclass(frozen=True)
class Approval:
    """A person's answer to a parked request; ``comment`` is the text of an answered question."""

    approved: bool
    comment: str | None = None


@dataclass(frozen=True)
class ParkedRequest:
    """What a person has to answer before the turn goes on.

    ``tool_call_id`` is the key under which :meth:`EventStore.approval` is asked for the answer. It is the id of the
    tool call for an approval, that id with a suffix (``/again1``, ``/ask0``) for the other kinds.
    """

    tool_call_id: str
    tool_name: str
    arguments: Any
    kind: ParkKind
    prompt: str


class Parked(Exception):
    """The turn ends here until a person answered; running it again then continues (law 8)."""

    def __init__(self, requests: list[ParkedRequest]) -> None:
        super().__init__("; ".join(request.prompt for request in requests))
        self.requests = requests


class StopTurn(Exception):
    """Raised by the store at a step boundary (pause, cancel, fence lost, limits): the turn ends at once, unchanged."""


class TurnFailed(Exception):
    """The turn cannot go on; the message is a sentence for the user."""


class EventStore(Protocol):
    """The stream of one agent in one chat, for one execution of one turn; carries chat, turn, run and fence.

    Every method may raise :class:`StopTurn`; any other exception ends the turn too and propagates unchanged.
    """

    async def load(self) -> list[dict[str, Any]]:
        """The encoded events of this agent's stream, all turns, in order."""
        ...

    async def open_call(self, *, message_id: UUID, entry: ModelEntry) -> OpenedCall:
        """Commit an open ledger row before the call. A child agent's call has a message id of its own, never shown."""
        ...

    async def fail_call(self, call_id: UUID, *, status: Literal["failed", "aborted"], error: str) -> None:
        """Close the row of a try that brought no answer."""
        ...

    async def commit(self, step: Step) -> None:
        """Store the step in one fenced transaction."""
        ...

    async def append(self, events: list[dict[str, Any]]) -> None:
        """Append a request to the model: the turn's input, or the request to repair an answer."""
        ...

    async def approval(self, *, tool_call_id: str, tool_name: str, arguments: Any) -> Approval | None:
        """The answer stored under this key; None while it is not asked or not answered."""
        ...

    async def begin_tool(self, *, tool_call_id: str, tool_name: str, idempotent: bool) -> Literal["go", "unknown"]:
        """Called before every tool's effect. For one that is not idempotent: commit that it began.

        ``unknown`` when a former execution began it under this key and no result is stored.
        """
        ...


class Deltas(Protocol):
    """Where streamed text goes while it is produced. Never blocks, never raises."""

    def push(self, *, message_id: UUID, agent: str, attempt: int, text: str) -> None: ...
