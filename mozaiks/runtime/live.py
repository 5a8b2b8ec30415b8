"""One execution of one turn: what is stored, what is under way, and why it ended early.

Rule: memory follows the store. An event is added here only after the step that holds it was committed, and whatever
the store raises ends the turn, also where AG2 or a child agent would have taken it for a failed tool.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar
from uuid import UUID, uuid5

from ag2.events import BaseEvent, ModelResponse, ToolResultEvent

from mozaiks.llm.entries import ModelList
from mozaiks.runtime.codec import decode
from mozaiks.runtime.output import Checked, Output
from mozaiks.runtime.ports import ClosedCall, Deltas, EventStore, ParkedRequest
from mozaiks.runtime.spec import TurnSpec
from mozaiks.runtime.staging import CURRENT_TOOL, Staging
from mozaiks.runtime.variables import Variables

P = ParamSpec("P")
R = TypeVar("R")


class TurnEnded(Exception):
    """Unwinds AG2 when the turn is over; the reason is :attr:`LiveTurn.failure`."""


class LiveTurn:
    """The state that storage, model bridge and tool gate share while a turn runs."""

    def __init__(
        self,
        spec: TurnSpec,
        *,
        store: EventStore,
        models: ModelList,
        deltas: Deltas,
        respond: Callable[..., Any] | None,
        output: Output,
    ) -> None:
        self.spec = spec
        self.store = store
        self.models = models
        self.deltas = deltas
        self.respond = respond
        self.output = output
        self.stream_id = uuid5(spec.chat_id, f"stream:{spec.agent}")
        self.variables = Variables(spec.variables)

        self.events: list[BaseEvent] = []  # the agent's whole stream as stored
        self.results: dict[str, ToolResultEvent] = {}  # stored results of the batch of calls under way
        self.checked: Checked | None = None  # the answer that was stored last
        self.closing: list[ClosedCall] = []  # calls answered, their step not stored yet
        self.model_calls = 0  # limits count per execution, so that a turn that failed on them can be tried again
        self.repairs = 0
        self.child_calls = 0

        self.stagings: dict[str, Staging] = {}
        self.outcomes: dict[str, str] = {}  # a sentence for calls that were not run: rejected, not completed
        self.parked: list[ParkedRequest] = []
        self.questions: dict[str, int] = {}

        self.lock = asyncio.Lock()  # steps are stored one at a time: variables are absolute values
        self.task: asyncio.Task[Any] | None = None
        self.failure: BaseException | None = None

    async def load(self) -> None:
        """Read the agent's stream from the store."""
        self.events = [decode(data) for data in await self.guard(self.store.load)]

    @property
    def turn_events(self) -> list[BaseEvent]:
        return self.events[self.spec.start :]

    @property
    def ordinal(self) -> int:
        """How many responses of this turn are stored: the number of the message under way."""
        return sum(isinstance(event, ModelResponse) for event in self.turn_events)

    def message_id(self) -> UUID:
        return self.spec.message_id(self.ordinal)

    # ------------------------------------------------------------------------------------------ ending early

    def check(self) -> None:
        """Go no further when something already ended the turn."""
        if self.failure is not None:
            raise TurnEnded

    async def guard(self, call: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Await a method of the store; what it raises ends the turn."""
        self.check()
        try:
            return await call(*args, **kwargs)
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self.fail(error)
            raise TurnEnded from error

    def fail(self, error: BaseException) -> None:
        """End the turn with ``error``.

        Inside a tool the turn's task is cancelled too: AG2 turns an exception there into a result for the model, and
        leaves the sibling tools running when it is not an ``Exception``.
        """
        if self.failure is None:
            self.failure = error
        if CURRENT_TOOL.get() is not None and self.task is not None:
            self.task.cancel()

    def park(self, request: ParkedRequest) -> None:
        """A person has to answer first; the siblings of the batch go on."""
        if all(known.tool_call_id != request.tool_call_id for known in self.parked):
            self.parked.append(request)


CURRENT_TURN: ContextVar[LiveTurn | None] = ContextVar("mozaiks_current_turn", default=None)
