"""Faults planted on purpose, to show that the oracle sees them. Patched into a test's server only (``armed.py``).

Rule: each is a mistake somebody could make in one line of the product, and each names the promise it breaks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mozaiks import faults


def result_before_commit() -> None:
    """The answer is sent while its transaction is still open."""
    from django.db import transaction

    from mozaiks.gateway import executor
    from sessions_app.claims import DatabaseClaims

    write = executor.write

    async def hasty(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if getattr(call, "__func__", None) is not DatabaseClaims.carry_out:
            return await write(call, *args, **kwargs)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Any] = loop.create_future()

        def late() -> None:
            with transaction.atomic():  # the product's own transaction is a savepoint in this one
                loop.call_soon_threadsafe(answered.set_result, call(*args, **kwargs))
                time.sleep(0.3)  # a slow disk
                point("committed_before_result")

        background.add(asyncio.ensure_future(write(late)))
        return await answered

    background: set[Any] = set()
    point = faults.point
    faults.point = lambda name: None if name == "committed_before_result" else point(name)
    executor.write = hasty


def ledger_in_its_own_transaction() -> None:
    """A call's ledger row is closed before its step is committed."""
    from mozaiks.db import txn
    from sessions_app import metrics
    from workflows_app import steps

    commit = steps.commit

    def apart(execution: Any, following: Any, step: Any) -> None:
        if step.call is not None:
            usage = step.call.usage
            with txn():
                metrics.update_session_metrics(
                    call_id=step.call.call_id,
                    prompt_tokens=usage.prompt_tokens,
                    completion_tokens=usage.completion_tokens,
                    model=step.call.model,
                )
        commit(execution, following, replace(step, call=None))

    steps.commit = apart


def events_outside_the_step() -> None:
    """What the user sees of a step is committed before what the agent remembers of it."""
    from mozaiks.db import txn
    from sessions_app import services
    from workflows_app import step_events, steps

    commit, events_of = steps.commit, step_events.events_of

    def apart(execution: Any, following: Any, step: Any) -> None:
        if events := events_of(following.turn, following.agent, step):
            with txn():
                chat, _ = steps.fenced(execution)
                services.emit(chat, *events)
        commit(execution, following, step)

    steps.commit = apart
    vars(steps)["events_of"] = lambda turn, agent, step: []


def no_row_before_the_call() -> None:
    """A model call's ledger row is written when the answer is there."""
    from sessions_app import metrics
    from sessions_app.models import ModelCall

    open_call, close = metrics.open_call, metrics.update_session_metrics
    waiting: dict[Any, Any] = {}

    def later(**fields: Any) -> Any:
        row = open_call(**fields)
        waiting[row.pk] = row
        ModelCall.objects.filter(pk=row.pk).delete()
        return row

    def closed(*, call_id: Any, **fields: Any) -> bool:
        if (row := waiting.pop(call_id, None)) is not None:
            row.save(force_insert=True)
        return close(call_id=call_id, **fields)

    metrics.open_call, metrics.update_session_metrics = later, closed


def nobody_looks_for_dead_runs() -> None:
    """The engine carries out only what it is woken for."""
    from workflows_app.engine.embedded import EmbeddedEngine

    async def idle(self: Any) -> None:
        await asyncio.sleep(3600)

    EmbeddedEngine._scan = idle  # type: ignore[method-assign]


def tools_have_new_keys() -> None:
    """A tool call gets another key when it runs again."""
    from mozaiks.runtime import gate

    staging = vars(gate)["Staging"]

    def fresh(call_id: str, key: Any, **fields: Any) -> Any:
        return staging(call_id, (key[0], key[1], f"{key[2]}-{time.time_ns()}"), **fields)

    vars(gate)["Staging"] = fresh


def no_fence() -> None:
    """An execution writes although another one began."""
    from sessions_app import store
    from workflows_app import steps
    from workflows_app.models import Run

    def unfenced(execution: Any) -> tuple[Any, Any]:
        return store.lock_chat(execution.chat_id), store.lock_row(Run, execution.run_id)

    steps.fenced = unfenced


MUTANTS: dict[str, Callable[[], None]] = {
    one.__name__: one
    for one in (
        result_before_commit,
        ledger_in_its_own_transaction,
        events_outside_the_step,
        no_row_before_the_call,
        nobody_looks_for_dead_runs,
        tools_have_new_keys,
        no_fence,
    )
}


def plant(name: str) -> None:
    """Patch the mutant of that name into this process."""
    MUTANTS[name]()
