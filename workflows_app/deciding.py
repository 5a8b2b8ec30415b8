"""The route's choice, committed: the next turn, a question, rest, the end; each inside the caller's transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from mozaiks import faults
from mozaiks.db import on_commit
from mozaiks.llm import Facts
from mozaiks.protocol.events import Failed, InputRequested, SpeakerSelected
from sessions_app import metrics, services
from sessions_app.models import ChatSession

from . import facts as facts_of
from . import runs, selectors
from .definitions import AgentSpec, AskUser, Complete, Definition, Fail, Rest, Speak
from .models import InputRequest, Run, StoredEvent, Turn, WorkflowSession


def decide(chat: ChatSession, run: Run, session: WorkflowSession, definition: Definition, facts: Facts) -> Turn | None:
    """Ask the route and commit its choice."""
    following = definition.next(facts_of.route_state(chat, session))
    _add(session, following.add)
    facts.variables = dict(session.variables)
    match following:
        case Speak(agent=name):
            return _new_turn(chat, run, session, definition, definition.agents[name], facts)
        case AskUser(ask=name):
            spec = definition.asks[name]
            expires = timezone.now() + timedelta(seconds=spec.expires) if spec.expires else None
            ask(
                chat,
                run,
                kind=spec.kind,
                prompt=spec.prompt,
                name=name,
                schema=spec.schema,
                options=spec.options,
                expires_at=expires,
                on_expiry=spec.on_expiry,
                default=spec.default,
            )
            wait(chat, run)
            on_commit(lambda: faults.point("waiting"))
        case Rest():
            runs.end_run(chat, run, status=Run.Status.COMPLETED)
        case Complete():
            runs.end_run(chat, run, status=Run.Status.COMPLETED, chat_status=ChatSession.Status.COMPLETED)
        case Fail(sentence=sentence):
            error = Failed(code="INTERNAL", message=sentence, retryable=False)
            failed = ChatSession.Status.FAILED
            runs.end_run(chat, run, status=Run.Status.FAILED, reason=sentence, before=(error,), chat_status=failed)
    return None


def within_budget(chat: ChatSession, run: Run, definition: Definition) -> bool:
    """Whether the run may take another turn; where not, it is failed (its own caps) or paused (the user's day)."""
    limits = settings.MOZAIKS_LIMITS
    turns, tokens = (
        min(definition.limits.turns, limits.turns_per_run),
        min(definition.limits.tokens, limits.tokens_per_run),
    )
    if run.turns >= turns:
        runs.fail_run(chat, run, code="BUDGET_EXCEEDED", message=f"This run used its {turns} turns. Retry to go on.")
        return False
    if metrics.tokens_of_run(run.pk) >= tokens:
        message = f"This run used its {tokens:,} tokens. Retry to go on."
        runs.fail_run(chat, run, code="BUDGET_EXCEEDED", message=message)
        return False
    if metrics.tokens_of_today(app_id=chat.app_id, user_id=chat.owner_id) >= limits.tokens_per_user_day:
        runs.pause_now(chat, run, reason="budget")
        return False
    return True


def ask(chat: ChatSession, run: Run, *, kind: str, prompt: str, agent: str | None = None, **columns: Any) -> None:
    """Ask a person: the input request and its event."""
    request_id = uuid4()
    expires_at = columns.get("expires_at")
    (logged,) = services.emit(
        chat,
        InputRequested(
            source="agent" if agent else "system",
            input_request_id=request_id,
            kind=kind,  # type: ignore[arg-type]
            prompt=prompt,
            input_schema=columns.get("schema"),
            options=columns.get("options"),
            expires_at=expires_at.isoformat().replace("+00:00", "Z") if expires_at else None,
            agent=agent,
        ),
    )
    InputRequest.objects.create(
        pk=request_id, app_id=chat.app_id, chat=chat, run=run, kind=kind, prompt=prompt, seq=logged.seq, **columns
    )


def wait(chat: ChatSession, run: Run) -> None:
    """The run holds nothing until somebody answers (law 8)."""
    run.status = Run.Status.WAITING
    run.stalled = 0
    run.save(update_fields=["status", "stalled"])
    services.emit(chat, run_state=ChatSession.RunState.WAITING, waiting=len(selectors.list_open_inputs(chat.pk)))
    if run.pause_requested:
        runs.pause_now(chat, run, reason=run.pause_requested)


def stream_length(stream_id: UUID) -> int:
    """How many events an agent's stream has."""
    newest: int | None = StoredEvent.objects.filter(stream_id=stream_id).aggregate(newest=Max("index"))["newest"]
    return 0 if newest is None else newest + 1


def _new_turn(
    chat: ChatSession,
    run: Run,
    session: WorkflowSession,
    definition: Definition,
    agent: AgentSpec,
    facts: Facts,
) -> Turn:
    stream_id = uuid5(chat.pk, agent.name)
    turn = Turn.objects.create(
        app_id=chat.app_id,
        chat=chat,
        run=run,
        number=session.turn_count + 1,
        agent=agent.name,
        input=facts_of.compose_input(chat, session, definition, agent, facts),
        stream_id=stream_id,
        start=stream_length(stream_id),
        after_seq=chat.last_seq,
    )
    WorkflowSession.objects.filter(pk=session.pk).update(turn_count=turn.number)
    services.emit(chat, SpeakerSelected(run_id=run.pk, agent=agent.name))
    return turn


def _add(session: WorkflowSession, add: Any) -> None:
    if add:
        for name, amount in add.items():
            session.variables[name] = session.variables.get(name, 0) + amount
        WorkflowSession.objects.filter(pk=session.pk).update(variables=session.variables)
