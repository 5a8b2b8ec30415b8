"""One agent speaking once, from its input to a checked answer, whatever interrupts it (laws 7, 8, 9).

Rule: run_turn may be called again at any time after any interruption, and goes on at the last stored step.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import ag2
from ag2.events import (
    DataInput,
    Input,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextInput,
    ToolCallsEvent,
    ToolResultEvent,
    ToolResultsEvent,
)
from ag2.exceptions import HumanInputError
from ag2.stream import MemoryStream

from mozaiks.llm.entries import ModelList
from mozaiks.llm.errors import ModelTruncated
from mozaiks.runtime.adopt import BRIDGE, adopt
from mozaiks.runtime.codec import encode
from mozaiks.runtime.gate import AskPerson, ToolGate
from mozaiks.runtime.live import CURRENT_TURN, LiveTurn, TurnEnded
from mozaiks.runtime.output import Checked, output_of
from mozaiks.runtime.plain import clean_text
from mozaiks.runtime.planner import Plan, plan_turn
from mozaiks.runtime.ports import Deltas, EventStore, Parked, TurnFailed
from mozaiks.runtime.spec import TurnResult, TurnSpec
from mozaiks.runtime.storage import FINAL, BatchEnded, TurnStorage

__all__ = ["TurnResult", "TurnSpec", "run_turn"]

REPAIR = "mozaiks_repair"
"""Key in the metadata of a hidden request: the answer before it was not usable."""


async def run_turn(
    agent: ag2.Agent[Any],
    spec: TurnSpec,
    *,
    store: EventStore,
    models: ModelList,
    deltas: Deltas,
    respond: Callable[..., Any] | None = None,
) -> TurnResult:
    """Run the turn, or what is left of it.

    Raises :class:`Parked` when people have to answer first, :class:`TurnFailed` with a sentence, a ``ModelCallError``
    of ``mozaiks.llm``, and unchanged whatever the store raised. A cancellation closes the model's stream and passes.
    """
    output = output_of(spec.output_schema, agent.response_schema)
    live = LiveTurn(spec, store=store, models=models, deltas=deltas, respond=respond, output=output)
    adopt(agent, spec.approve | spec.non_idempotent)
    try:
        return await _run(agent, live)
    except TurnEnded:
        assert live.failure is not None
        raise live.failure from None


async def _run(agent: ag2.Agent[Any], live: LiveTurn) -> TurnResult:
    await live.load()
    while True:
        plan = plan_turn(live.turn_events)
        if plan.response is not None and plan.kind == "done":
            checked = live.checked or await live.output.check(plan.response.content or "")
            if plan.response.metadata.get(FINAL):
                return _result(live, plan.response, checked)
            await _ask_again(live, checked)
            continue
        try:
            await _continue(agent, live, plan)
        except ModelTruncated as error:
            if error.finish_reason != "length" or live.repairs >= live.spec.max_repairs:
                raise
            await _append(live, "Your last answer was cut off because it was too long. Answer again, much shorter.")


def _result(live: LiveTurn, response: ModelResponse, checked: Checked) -> TurnResult:
    message_id = live.spec.message_id(live.ordinal - 1)
    return TurnResult(response.content or "", checked.value, dict(live.variables.stored), message_id)


async def _ask_again(live: LiveTurn, checked: Checked) -> None:
    """The stored answer is not the last word: it has not the shape asked for, or a message for the agent came late."""
    if checked.problem is None:
        await _append(live, "Go on.")
    elif live.repairs < live.spec.max_repairs:
        sentence = "Answer again with nothing but JSON of the shape asked for."
        await _append(live, f"Your last answer cannot be used: {checked.problem}. {sentence}")
    else:
        raise TurnFailed(
            f"The agent {live.spec.agent!r} gave no answer of the shape asked for, "
            f"also when asked {live.repairs} more times: {checked.problem}."
        )


async def _append(live: LiveTurn, sentence: str) -> None:
    """A hidden request to the model on the same stream; people do not see it."""
    live.repairs += 1
    request = ModelRequest([TextInput(sentence, metadata={REPAIR: True})])
    await live.guard(live.store.append, [encode(request)])
    live.events.append(request)


async def _continue(agent: ag2.Agent[Any], live: LiveTurn, plan: Plan) -> None:
    live.results = {result.parent_id: result for result in plan.results}
    if plan.kind == "start":
        await _drive(agent, live, ModelRequest([TextInput(clean_text(live.spec.input))]), stored=False)
    elif plan.kind == "run_tools":
        await _drive(agent, live, ToolCallsEvent(plan.calls))
    elif plan.final is not None:
        await _end(live, plan.final)
    else:
        await _drive(agent, live, plan.request or ToolResultsEvent(plan.results))


async def _end(live: LiveTurn, final: ToolResultEvent) -> None:
    """The tool's result is the answer: AG2 was stopped before it said so."""
    said = [part.content if isinstance(part, TextInput) else part for part in final.result.parts]
    text = "".join(part if isinstance(part, str) else _as_json(part) for part in said)
    response = ModelResponse(ModelMessage(text, metadata=dict(final.result.metadata)), response_force=True)
    await TurnStorage(live).store_response(response)


def _as_json(part: Input) -> str:
    return json.dumps(part.data, ensure_ascii=False) if isinstance(part, DataInput) else ""


async def _drive(
    agent: ag2.Agent[Any],
    live: LiveTurn,
    trigger: ModelRequest | ToolCallsEvent | ToolResultsEvent,
    *,
    stored: bool = True,
) -> None:
    """Let AG2 go on from ``trigger`` until the agent has spoken, parked or failed."""
    storage = TurnStorage(live)
    storage.trigger = trigger if stored else None
    stream = MemoryStream(storage, id=live.stream_id)
    stream._ag2_turn_lock = OneTurn()  # type: ignore[assignment]
    live.parked, live.failure = [], None
    token = CURRENT_TURN.set(live)
    try:
        live.task = asyncio.ensure_future(
            agent.resume(
                *(event for event in live.events if event is not trigger),
                trigger,
                stream=stream,
                config=BRIDGE,
                middleware=[lambda event, context: ToolGate(event, context, live)],
                response_schema=live.output.asked,
                hitl_hook=AskPerson(live).__call__,
            )
        )
    finally:
        CURRENT_TURN.reset(token)
    try:
        await live.task
    except BatchEnded:
        return
    except BaseException as error:  # noqa: BLE001  also a cancellation: it is raised again, or what caused it
        raise _reason(live, error) from None


def _reason(live: LiveTurn, error: BaseException) -> BaseException:
    """Why the turn ended, behind what AG2 made of it."""
    task = asyncio.current_task()
    if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
        return error
    if live.failure is not None:
        return live.failure
    if isinstance(error, HumanInputError) and live.parked:
        return Parked(live.parked)
    return error


class OneTurn:
    """AG2's lock of a stream, which refuses where AG2's own would wait for itself for ever.

    The chat has one writer (law 6), so only a tool that asks an agent on the stream of its own turn gets here twice.
    """

    def __init__(self) -> None:
        self._held = False

    async def __aenter__(self) -> None:
        if self._held:
            raise RuntimeError("A tool may not ask an agent on the stream of its own turn; leave the stream out.")
        self._held = True

    async def __aexit__(self, *exc: object) -> None:
        self._held = False
