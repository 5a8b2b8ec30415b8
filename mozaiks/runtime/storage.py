"""AG2's ``Storage`` over our :class:`EventStore`: each stored event is one step (law 7).

Rule: only requests, responses and tool results are stored, once each. Everything else AG2 sends is derived from them
or is dropped; AG2's usage event is (the ledger row is closed with the response). AG2 may rewrite the history it reads
(compaction), never what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from ag2 import Context
from ag2.events import (
    BaseEvent,
    DataInput,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextInput,
    ToolErrorEvent,
    ToolResult,
    ToolResultEvent,
    ToolResultsEvent,
)

from mozaiks.runtime.codec import encode, one_line
from mozaiks.runtime.live import LiveTurn
from mozaiks.runtime.plain import clean_text, plain
from mozaiks.runtime.ports import Message, Parked, Step, ToolCallInfo, ToolResultInfo, TurnFailed
from mozaiks.runtime.view import parsed

FINAL = "mozaiks_final"
"""Key in the metadata of a stored response: it was checked and is the turn's answer."""


class ParkedResult(ToolResultEvent):
    """Stands for a call that waits for a person, so that AG2 lets the siblings finish; never stored."""


class BatchEnded(Exception):
    """A tool of the batch gave the turn's answer (``ToolResult(final=True)``); the model is not asked again."""


class TurnStorage:
    """AG2's storage for one execution of one turn."""

    def __init__(self, live: LiveTurn) -> None:
        self.live = live
        self.history: list[BaseEvent] = []
        self.trigger: BaseEvent | None = None
        self.children: dict[UUID, list[BaseEvent]] = {}

    # ------------------------------------------------------------------------------------ what AG2 calls

    async def save_event(self, event: BaseEvent, context: Context) -> None:
        if context.stream.id != self.live.stream_id:
            self._keep_of_child(context.stream.id, event)
            return
        self.live.check()
        if event is self.trigger:  # it is stored, or derived from what is stored
            self.trigger = None
            self.history.extend([event] if isinstance(event, ModelRequest) else [])
        elif isinstance(event, ModelRequest):
            await self._store_request(event)
        elif isinstance(event, ModelResponse):
            await self.store_response(event, more=bool(context.stream.pending_messages))
        elif isinstance(event, ToolResultEvent) and not isinstance(event, ParkedResult):
            await self._store_result(event)
        elif isinstance(event, ToolResultsEvent):
            await self._settle(event)

    async def get_history(self, stream_id: UUID) -> Iterable[BaseEvent]:
        return list(self.history if stream_id == self.live.stream_id else self.children.get(stream_id, []))

    async def set_history(self, stream_id: UUID, events: Iterable[BaseEvent]) -> None:
        if stream_id == self.live.stream_id:
            self.history = list(events)
        else:
            self.children[stream_id] = list(events)

    async def drop_history(self, stream_id: UUID) -> None:
        await self.set_history(stream_id, [])

    def _keep_of_child(self, stream_id: UUID, event: BaseEvent) -> None:
        """A child agent's memory ends with the tool call that asked it."""
        if isinstance(event, ToolErrorEvent):
            shorten(event)
        self.children.setdefault(stream_id, []).append(event)

    # --------------------------------------------------------------------------------------------- steps

    async def _store_request(self, event: ModelRequest) -> None:
        live = self.live
        async with live.lock:
            await live.guard(live.store.append, [encode(event)])
            self._kept(event)

    async def store_response(self, event: ModelResponse, *, more: bool = False) -> None:
        live = self.live
        if live.parked:
            raise Parked(live.parked)
        calls = event.tool_calls.calls
        if event.response_force and calls:
            raise TurnFailed(f"The tool {calls[0].name!r} is run by nobody here.")
        async with live.lock:
            text = clean_text(event.content or "")
            live.checked = None if calls else await live.output.check(text)
            final = live.checked is not None and live.checked.problem is None and not more
            if final:
                event.message = ModelMessage(text, metadata={**event.metadata, FINAL: True})
            await self._close_superseded_calls()
            values = live.variables.changed()
            step = Step(
                kind="response",
                events=[encode(event)],
                call=live.closing[-1] if live.closing else None,
                message=Message(live.message_id(), text, final, live.checked.value if final and live.checked else None),
                tool_calls=[ToolCallInfo(call.id, call.name, plain(parsed(call.arguments))) for call in calls],
                variables=values,
            )
            await live.guard(live.store.commit, step)
            live.closing.clear()
            live.results.clear()
            live.variables.keep(values)
            self._kept(event)

    async def _close_superseded_calls(self) -> None:
        """An author's middleware may have asked twice and kept one answer; the other one was paid for all the same."""
        while len(self.live.closing) > 1:
            call = self.live.closing[0]
            await self.live.guard(self.live.store.commit, Step(kind="response", call=call))
            self.live.closing.pop(0)

    async def _store_result(self, event: ToolResultEvent) -> None:
        live = self.live
        tool_call_id, info = event.parent_id, self._settled(event)
        staging = live.stagings.pop(tool_call_id, None)
        published = staging.close() if staging else []
        async with live.lock:
            values = live.variables.changed_by(tool_call_id)
            step = Step(
                kind="tool_result",
                events=[encode(event)],
                tool_result=info,
                artifacts=published if info.status == "ok" else [],
                variables=values,
            )
            await live.guard(live.store.commit, step)
            live.variables.keep(values, tool_call_id)
            live.results[tool_call_id] = event
            self._kept(event)

    def _settled(self, event: ToolResultEvent) -> ToolResultInfo:
        """What people see of a result; the event is brought to what the model will see, now and after a reload."""
        name = event.name or ""
        if isinstance(event, ToolErrorEvent):
            sentence = shorten(event)
            status = self.live.outcomes.pop(event.parent_id, "error")
            return ToolResultInfo(
                event.parent_id, name, "not_completed" if status == "not_completed" else "error", error=sentence
            )
        for part in event.result.parts:
            if isinstance(part, DataInput):
                part.data = plain(part.data)
            elif isinstance(part, TextInput):
                part.content = clean_text(part.content)
        return ToolResultInfo(event.parent_id, name, "ok", result=_value(event.result))

    async def _settle(self, event: ToolResultsEvent) -> None:
        """The batch is over: store what AG2 did not send one by one, then wait for people or end."""
        live = self.live
        for result in event.results:
            if not isinstance(result, ParkedResult) and result.parent_id not in live.results:
                await self._store_result(result)
        if live.parked:
            order = [result.parent_id for result in event.results]
            raise Parked(sorted(live.parked, key=lambda request: _position(request.tool_call_id, order)))
        if any(result.result.final for result in live.results.values()):
            raise BatchEnded

    def _kept(self, event: BaseEvent) -> None:
        self.live.events.append(event)
        self.history.append(event)


class Refused(Exception):
    """Why a call was not run, as the sentence the model and the user see."""


def shorten(event: ToolErrorEvent) -> str:
    """Leave one line of an error for the model: AG2 gives it the whole traceback with its file paths."""
    refused = isinstance(event.error, Refused)
    line = str(event.error) if refused else one_line(event.error)
    event.result = ToolResult(line if refused else f"Error: {line}")
    return line


def _position(key: str, order: list[str]) -> int:
    """Where in the batch the call of a parked request stands; its key is the call's id or begins with it."""
    own = (place for place, call_id in enumerate(order) if key == call_id or key.startswith(f"{call_id}/"))
    return next(own, len(order))


def _value(result: ToolResult) -> Any:
    values = [part.content if isinstance(part, TextInput) else getattr(part, "data", None) for part in result.parts]
    shown = [plain(value) for value in values]
    return shown[0] if len(shown) == 1 else shown or None
