"""Carries a run out: ask the route, make the turn, commit, repeat. May be called by anyone, any number of times."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import InterfaceError, OperationalError

from mozaiks.gateway import executor
from mozaiks.llm import ModelCallError
from mozaiks.protocol.errors import Unavailable
from mozaiks.runtime.ports import Parked, StopTurn, TurnFailed
from mozaiks.runtime.spec import TurnSpec
from mozaiks.runtime.turn import run_turn
from sessions_app import kinds

from . import engine, steps
from .agent_factory import build_agent
from .definitions import MissingSymbol
from .models import Run
from .persistence import ChatDeltas, TurnStore
from .steps import Execution, NextTurn

log = logging.getLogger("mozaiks.runner")


def list_executable(limit: int) -> list[UUID]:
    """Runs that an engine should carry out, oldest first."""
    runs = Run.objects.filter(status__in=[Run.Status.QUEUED, Run.Status.RUNNING])
    return list(runs.order_by("created_at").values_list("pk", flat=True)[:limit])


async def execute_run(run_id: UUID) -> None:
    """One execution of a run, by the kind of its chat, until it waits, is paused or ends."""
    execution = await executor.write(steps.begin, run_id)
    if execution is None:
        return
    try:
        await kinds.get(execution.kind).execute(run_id, execution)
    except StopTurn as stop:
        log.debug("run %s stopped at a step: %s", run_id, stop)
    except (OperationalError, InterfaceError, Unavailable):
        raise  # the database is away: the run stays as committed, the engine's scan takes it up again
    except Exception as error:  # noqa: BLE001  (a run fails visibly, whatever it raised)
        await _fail(execution, error)


async def execute_workflow(run_id: UUID, execution: Execution) -> None:
    """The turns of a workflow run; a process that goes down begins no further one."""
    while engine.is_running():
        following = await executor.write(steps.advance, execution)
        if following is None:
            return
        if not await _make_turn(execution, following):
            return


async def _make_turn(execution: Execution, following: NextTurn) -> bool:
    """Make one turn, or what is left of it; False when it waits for a person."""
    agent = following.agent
    try:
        result = await run_turn(
            build_agent(agent),
            spec_of(following),
            store=TurnStore(execution, following),
            models=settings.MOZAIKS_MODELS,
            deltas=ChatDeltas(execution),
            respond=following.definition.offline.get(agent.name),
        )
    except Parked as parked:
        await executor.write(steps.park, execution, following.turn, parked.requests)
        return False
    state: Any = None
    if agent.publish is not None:
        state = result.output if result.output is not None else result.text
        if agent.compile is not None:
            facts = following.facts
            facts.outputs = {**facts.outputs, agent.name: state}
            facts.variables = result.variables
            state = await asyncio.to_thread(agent.compile, state, facts)
    await executor.write(steps.end_turn, execution, following, result, state)
    return True


def spec_of(following: NextTurn) -> TurnSpec:
    """What the runtime is told of the turn."""
    agent, turn, definition = following.agent, following.turn, following.definition
    return TurnSpec(
        chat_id=turn.chat_id,
        number=turn.number,
        agent=agent.name,
        input=turn.input,
        start=turn.start,
        variables=following.variables,
        facts=following.facts,
        entry=agent.model or definition.model,
        output_schema=agent.output,
        approve=frozenset(tool.name for tool in agent.tools if tool.approve),
        non_idempotent=frozenset(tool.name for tool in agent.tools if not tool.idempotent),
    )


async def _fail(execution: Execution, error: Exception) -> None:
    """The run failed in a way its user should read."""
    reference = uuid4().hex[:12]
    code, message, retryable = "INTERNAL", f"Something went wrong in this run (reference {reference}).", True
    if isinstance(error, ModelCallError):
        code, message, retryable = "MODEL_UNAVAILABLE", str(error), True
    elif isinstance(error, TurnFailed):
        message = str(error)
    elif isinstance(error, MissingSymbol):
        message, retryable = str(error), True
    else:
        log.error("run %s failed, reference %s", execution.run_id, reference, exc_info=error)
    try:
        await executor.write(steps.fail, execution, code=code, message=message[:500], retryable=retryable)
    except StopTurn as stop:
        log.debug("run %s ended meanwhile: %s", execution.run_id, stop)
