"""The transactions of an execution: begin, advance, commit a step, end a turn. Each holds the fence (laws 6, 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from artifacts import services as artifacts
from mozaiks import faults
from mozaiks.db import on_commit, txn
from mozaiks.gateway import deltas
from mozaiks.llm import Facts, ModelEntry
from mozaiks.protocol.digest import content_hash
from mozaiks.runtime.ports import Approval, OpenedCall, ParkedRequest, Step, StopTurn
from mozaiks.runtime.spec import TurnResult
from sessions_app import metrics, services, store
from sessions_app.models import ChatSession, ModelCall

from . import facts as facts_of
from . import library, runs, selectors
from .deciding import ask, decide, wait, within_budget
from .definitions import AgentSpec, Definition
from .models import InputRequest, Run, StoredEvent, ToolAttempt, Turn, WorkflowSession
from .step_events import events_of, store_events

STALLED_LIMIT = 5
"""Executions of a run without one committed step, after which it is given up."""


class Fenced(StopTurn):
    """Another execution of the run began, or the run ended: this one writes nothing any more."""


class SafePoint(StopTurn):
    """Somebody asked for a pause; the run is paused now."""


@dataclass(frozen=True)
class Execution:
    """One execution of a run; everything it writes carries ``fence``."""

    run_id: UUID
    fence: int
    chat_id: UUID
    app_id: UUID
    user_id: UUID
    kind: str


@dataclass(frozen=True)
class NextTurn:
    """A turn to make, with everything it needs that is read from the database."""

    turn: Turn
    definition: Definition
    agent: AgentSpec
    facts: Facts
    variables: dict[str, Any]


def begin(run_id: UUID) -> Execution | None:
    """Raise the run's fence and make it running; None where it is not to be executed (waiting, paused, ended)."""
    with txn():
        found = Run.objects.filter(pk=run_id).values_list("chat_id", flat=True).first()
        if found is None:
            return None
        chat = store.lock_chat(found)
        run = store.lock_row(Run, run_id)
        if run.status not in (Run.Status.QUEUED, Run.Status.RUNNING) or chat.deleted_at is not None:
            return None
        # Calls of an execution that died: made or not, nobody knows (law 9).
        metrics.close_open_calls(run_id=run.pk, status=ModelCall.Status.UNKNOWN)
        if run.pause_requested:
            runs.pause_now(chat, run, reason=run.pause_requested)
            return None
        if run.stalled >= STALLED_LIMIT:
            message = f"The run was begun {run.stalled} times without getting a step further, so it was given up."
            runs.fail_run(chat, run, code="INTERNAL", message=message)
            return None
        run.fence += 1
        run.stalled += 1
        run.status = Run.Status.RUNNING
        run.started_at = run.started_at or timezone.now()
        run.save(update_fields=["fence", "stalled", "status", "started_at"])
        if chat.run_state != ChatSession.RunState.RUNNING:
            services.emit(chat, run_state=ChatSession.RunState.RUNNING, pause_reason="")
        return Execution(run.pk, run.fence, chat.pk, chat.app_id, chat.owner_id, chat.kind)


def fenced(execution: Execution) -> tuple[ChatSession, Run]:
    """Lock chat and run; ``Fenced`` where the execution is an old one."""
    try:
        chat = store.lock_chat(execution.chat_id)
    except ChatSession.DoesNotExist:
        raise Fenced("the chat is gone") from None
    run = store.lock_row(Run, execution.run_id)
    if run.fence != execution.fence or run.status != Run.Status.RUNNING:
        raise Fenced("the run ended or another execution began")
    return chat, run


def safe_point(execution: Execution) -> None:
    """Between two steps: pause here where somebody asked for it."""
    with txn():
        chat, run = fenced(execution)
        if not run.pause_requested:
            return
        runs.pause_now(chat, run, reason=run.pause_requested)
    raise SafePoint("paused")


def advance(execution: Execution) -> NextTurn | None:
    """What comes next by the committed state: a turn, or None when the run waits, rests or ended."""
    with txn():
        chat, run = fenced(execution)
        if run.pause_requested:
            runs.pause_now(chat, run, reason=run.pause_requested)
            return None
        session = selectors.get_workflow_session(chat_id=chat.pk)
        definition = library.thawed(session.definition)
        facts = facts_of.read_facts(chat, session, definition)
        turn = selectors.get_unfinished_turn(chat.pk)
        if turn is None:
            if not within_budget(chat, run, definition):
                return None
            turn = decide(chat, run, session, definition, facts)
        if turn is None:
            return None
        return NextTurn(turn, definition, definition.agents[turn.agent], facts, dict(session.variables))


def load_stream(turn: Turn) -> list[dict[str, Any]]:
    """The agent's stored events of all turns, in order."""
    return list(
        StoredEvent.objects.filter(stream_id=turn.stream_id).order_by("index").values_list("payload", flat=True)
    )


def open_call(execution: Execution, turn: Turn, message_id: UUID, entry: ModelEntry) -> OpenedCall:
    """The ledger row of a call about to be made, committed before it (law 9)."""
    faults.point("queued_before_model_call")
    with txn():
        chat, run = fenced(execution)
        if run.pause_requested:
            runs.pause_now(chat, run, reason=run.pause_requested)
            stopped = True
        else:
            stopped = False
            call = metrics.open_call(
                chat=chat,
                run_id=run.pk,
                fence=execution.fence,
                message_id=message_id,
                agent=turn.agent,
                entry=entry.name,
                model=entry.model,
            )
    if stopped:
        raise SafePoint("paused")
    faults.point("before_first_delta")
    return OpenedCall(call_id=call.pk, attempt=call.attempt)


def fail_call(execution: Execution, call_id: UUID, status: str, error: str) -> None:
    """Close the ledger row of a try that brought no answer."""
    with txn():
        metrics.update_session_metrics(call_id=call_id, status=status, error=error)


def append(execution: Execution, turn: Turn, events: Sequence[dict[str, Any]]) -> None:
    """Append a request to the agent's stream."""
    with txn():
        fenced(execution)
        store_events(turn, events)


def commit(execution: Execution, following: NextTurn, step: Step) -> None:
    """One step: AG2 events, chat events, ledger close, artifacts and variables in one transaction (law 7)."""
    turn = following.turn
    if step.kind == "tool_result":
        faults.point("tool_after_effect")
    elif step.message is not None:
        faults.point("last_delta_before_commit")
    with txn():
        chat, run = fenced(execution)
        store_events(turn, step.events)
        if step.call is not None:
            usage = step.call.usage
            metrics.update_session_metrics(
                call_id=step.call.call_id,
                prompt_tokens=usage.prompt_tokens if usage else None,
                completion_tokens=usage.completion_tokens if usage else None,
                model=step.call.model,
            )
        events = events_of(turn, following.agent, step)
        if events:
            services.emit(chat, *events)
        for artifact in step.artifacts:
            publish(
                chat=chat,
                artifact_type=artifact.artifact_type,
                state=artifact.state,
                author=turn.agent,
                title=artifact.title,
                artifact_id=UUID(artifact.artifact_id) if artifact.artifact_id else None,
            )
        if step.variables is not None:
            WorkflowSession.objects.filter(chat=chat).update(variables=step.variables)
        if run.stalled:
            Run.objects.filter(pk=run.pk).update(stalled=0)
        if step.message is not None:
            on_commit(lambda: deltas.finish(chat.pk))


def end_turn(execution: Execution, following: NextTurn, result: TurnResult, state: Any) -> None:
    """The turn is done: its output, the variables, the route's state and the artifact in one transaction.

    ``state`` is the artifact's state where the agent publishes one.
    """
    turn, agent = following.turn, following.agent
    with txn():
        chat, run = fenced(execution)
        Turn.objects.filter(pk=turn.pk).update(status=Turn.Status.DONE, text=result.text, output=result.output)
        said = result.output if result.output is not None else result.text
        WorkflowSession.objects.filter(chat=chat).update(
            variables=result.variables, route_last=turn.agent, route_output=said, route_answer=None
        )
        Run.objects.filter(pk=run.pk).update(stalled=0, turns=run.turns + 1)
        if agent.publish is not None:
            publish(chat=chat, artifact_type=agent.publish, state=state, author=turn.agent)


def publish(*, chat: ChatSession, artifact_type: str, state: Any, author: str, **more: Any) -> None:
    """Publish an artifact and link it to the workflow session, in the caller's transaction (B43-B47)."""
    artifact = artifacts.publish_artifact(chat=chat, artifact_type=artifact_type, state=state, author=author, **more)
    WorkflowSession.objects.filter(chat=chat).update(artifact_instance_id=artifact.pk)


def find_approval(turn: Turn, tool_call_id: str, arguments: Any) -> Approval | None:
    """The stored answer to a parked tool call, bound to its exact arguments; None while there is none."""
    request = (
        InputRequest.objects.filter(chat_id=turn.chat_id, turn=turn.number, tool_call_id=tool_call_id)
        .order_by("-created_at")
        .first()
    )
    if request is None or request.status == InputRequest.Status.OPEN:
        return None
    if request.arguments_hash != content_hash(arguments) or request.status != InputRequest.Status.ANSWERED:
        return Approval(approved=False, comment="not approved")
    response = request.response or {}
    return Approval(
        approved=bool(response.get("approved", True)), comment=response.get("comment", response.get("text"))
    )


def begin_tool(execution: Execution, turn: Turn, tool_call_id: str) -> bool:
    """Note that a tool that is not idempotent begins; False where it began before under this key (law 7)."""
    safe_point(execution)
    with txn():
        fenced(execution)
        _, new = ToolAttempt.objects.get_or_create(
            chat_id=turn.chat_id, turn=turn.number, tool_call_id=tool_call_id, defaults={"app_id": turn.app_id}
        )
    return new


def park(execution: Execution, turn: Turn, requests: Sequence[ParkedRequest]) -> None:
    """The turn waits for people: one input request for each parked tool call."""
    with txn():
        chat, run = fenced(execution)
        for request in requests:
            kind = "question" if request.kind == "question" else "approval"
            ask(
                chat,
                run,
                kind=kind,
                prompt=request.prompt,
                tool_call_id=request.tool_call_id,
                turn=turn.number,
                arguments_hash=content_hash(request.arguments),
                agent=turn.agent,
            )
        wait(chat, run)
    faults.point("waiting")


def fail(execution: Execution, *, code: str, message: str, retryable: bool) -> None:
    """End the run as failed; its unfinished turn stays, for a retry."""
    with txn():
        chat, run = fenced(execution)
        metrics.close_open_calls(run_id=run.pk, status=ModelCall.Status.FAILED, error=message)
        runs.fail_run(chat, run, code=code, message=message, retryable=retryable)
