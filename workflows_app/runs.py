"""A run's life: queued, ended, paused, resumed, stopped. Every function works on a locked chat, in a transaction.

One rule: a change of a run, its events and the chat's projection are one write (laws 1, 6).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone

from mozaiks.accounts.principal import Principal
from mozaiks.db import on_commit
from mozaiks.gateway import deltas
from mozaiks.protocol.errors import Conflict, RateLimited
from mozaiks.protocol.events import (
    Event,
    Failed,
    InputResolved,
    Paused,
    Resumed,
    RunCompleted,
    RunStarted,
    Said,
    StatusChanged,
)
from sessions_app import metrics, services
from sessions_app import selectors as sessions
from sessions_app.models import ChatSession, ModelCall, UserSession

from . import engine, library, selectors
from .definitions import Definition
from .models import InputRequest, Run, Turn, WorkflowSession


def queue_run(chat: ChatSession, *, cause: str, before: tuple[Event, ...] = ()) -> Run:
    """A new run of the chat, with the events that caused it, waiting for the engine.

    In general mode it will stop at its first safe point (PROTOCOL, ``chat.enter_general_mode``).
    """
    unfinished = Run.objects.filter(app_id=chat.app_id, chat__owner_id=chat.owner_id, status__in=Run.UNFINISHED)
    if unfinished.count() >= settings.MOZAIKS_LIMITS.unfinished_runs_per_user:
        raise RateLimited("You have too many unfinished runs; finish, stop or delete some first.")
    pause = "general_mode" if chat.kind == ChatSession.Kind.WORKFLOW and _in_general_mode(chat) else ""
    run = Run.objects.create(app_id=chat.app_id, chat=chat, cause=cause, pause_requested=pause)
    services.emit(
        chat,
        *before,
        RunStarted(run_id=run.pk, cause=run.cause),  # type: ignore[arg-type]
        run_state=ChatSession.RunState.QUEUED,
        pause_reason="",
    )
    on_commit(lambda: engine.wake(run.pk))
    return run


def end_run(
    chat: ChatSession,
    run: Run,
    *,
    status: str,
    reason: str = "",
    before: tuple[Event, ...] = (),
    chat_status: str | None = None,
) -> None:
    """End the run with its one ``chat.run_complete``, after ``before``; the next queued message starts another."""
    for request in selectors.list_open_inputs(chat.pk):
        before = (*before, _cancel_input(request))
    run.status, run.reason, run.finished_at = status, reason[:500], timezone.now()
    run.fence += 1  # nothing of this run writes any more (law 6)
    run.save(update_fields=["status", "reason", "finished_at", "fence"])
    events: list[Event] = [
        *before,
        RunCompleted(
            run_id=run.pk,
            status=status,  # type: ignore[arg-type]
            reason=reason or None,
            usage=sessions.run_usage(run_id=run.pk),
        ),
    ]
    projection: dict[str, Any] = {
        "run_state": ChatSession.RunState.FAILED if status == Run.Status.FAILED else ChatSession.RunState.IDLE,
        "pause_reason": "",
        "waiting": 0,
    }
    if chat_status is not None:
        events.append(StatusChanged(status=chat_status))  # type: ignore[arg-type]
        projection["status"] = chat_status
        chat.queue.all().delete()  # nobody will take what still waits
        services.ring_queue(chat)
    services.emit(chat, *events, **projection)
    on_commit(lambda: deltas.finish(chat.pk))
    if status != Run.Status.FAILED:
        take_next_message(chat)


def take_next_message(chat: ChatSession) -> Run | None:
    """Start a run with the oldest queued message of a chat that is free again."""
    if chat.status != ChatSession.Status.IN_PROGRESS or chat.run_state != ChatSession.RunState.IDLE:
        return None
    queued = services.take_queued(chat)
    return None if queued is None else take_message(chat, queued.text, message_id=queued.pk)


def take_message(chat: ChatSession, text: str, *, message_id: UUID) -> Run:
    """Start a run with a user's message: at the route's start if it is the chat's first, else at its message entry."""
    said: tuple[Event, ...] = (Said(source="user", message_id=message_id, role="user", content=text),)
    first = False
    if chat.kind == ChatSession.Kind.WORKFLOW:
        session = selectors.get_workflow_session(chat_id=chat.pk)
        first = session.route_last == "" and session.turn_count == 0
        WorkflowSession.objects.filter(pk=session.pk).update(
            route_last="", route_entry="start" if first else "message", route_output=None, route_answer=None
        )
        if first:
            said = first_messages(library.thawed(session.definition), text, session.variables, message_id=message_id)
    return queue_run(chat, cause=Run.Cause.START if first else Run.Cause.MESSAGE, before=said)


def first_messages(
    definition: Definition, text: str, variables: dict[str, Any], *, message_id: UUID | None = None
) -> tuple[Event, ...]:
    """The user's message, and the hidden seed that the first agent hears instead of it (B49, B58)."""
    said: list[Event] = []
    if text:
        said.append(Said(source="user", message_id=message_id or uuid4(), role="user", content=text))
    if definition.seed is not None:
        seed = definition.first_message(text, variables)
        said.append(
            Said(source="system", message_id=uuid4(), role="user", content=seed, visible=False, metadata={"seed": True})
        )
    return tuple(said)


def fail_run(chat: ChatSession, run: Run, *, code: str, message: str, retryable: bool = True) -> None:
    """End the run as failed with a visible error; the chat stays IN_PROGRESS and can be retried."""
    error = Failed(code=code, message=message, retryable=retryable)
    end_run(chat, run, status=Run.Status.FAILED, reason=message, before=(error,))


def pause(chat: ChatSession, *, reason: str) -> None:
    """Stop the chat's run at its next safe point, or at once where it is not in the middle of a step."""
    run = selectors.get_unfinished_run(chat.pk)
    if run is None:
        if chat.run_state == ChatSession.RunState.FAILED:
            raise Conflict("This chat's last run failed; retry it instead.")
        if chat.run_state != ChatSession.RunState.PAUSED:
            _log_pause(chat, reason)
    elif run.status == Run.Status.RUNNING:
        run.pause_requested = reason
        run.save(update_fields=["pause_requested"])
        services.emit(chat, run_state=ChatSession.RunState.PAUSING, pause_reason=reason)
    elif run.status == Run.Status.PAUSED:
        if reason == "user" and chat.pause_reason != "user":
            services.emit(chat, Paused(reason="user"), pause_reason="user")
    else:
        pause_now(chat, run, reason=reason)


def pause_now(chat: ChatSession, run: Run, *, reason: str) -> None:
    """The run is at a safe point: it is paused."""
    run.status, run.pause_requested, run.stalled = Run.Status.PAUSED, "", 0
    run.save(update_fields=["status", "pause_requested", "stalled"])
    _log_pause(chat, reason)


def resume(chat: ChatSession) -> None:
    """Let the chat go on: its paused run, or the queue of a chat that was paused at rest."""
    run = selectors.get_unfinished_run(chat.pk)
    if run is None:
        if chat.run_state == ChatSession.RunState.FAILED:
            raise Conflict("This chat's last run failed; retry it instead.")
        if chat.run_state == ChatSession.RunState.PAUSED:
            services.emit(chat, Resumed(), run_state=ChatSession.RunState.IDLE, pause_reason="")
            take_next_message(chat)
    elif run.status == Run.Status.PAUSED:
        waiting = bool(selectors.list_open_inputs(chat.pk))
        run.status = Run.Status.WAITING if waiting else Run.Status.QUEUED
        run.save(update_fields=["status"])
        state = ChatSession.RunState.WAITING if waiting else ChatSession.RunState.QUEUED
        services.emit(chat, Resumed(), run_state=state, pause_reason="")
        on_commit(lambda: engine.wake(run.pk))
    elif run.pause_requested:
        run.pause_requested = ""
        run.save(update_fields=["pause_requested"])
        services.emit(chat, run_state=ChatSession.RunState(run.status), pause_reason="")


def stop(chat: ChatSession, run_id: UUID) -> bool:
    """End that run now and keep the text so far; False where it is not the chat's current run."""
    run = selectors.get_unfinished_run(chat.pk)
    if run is None or run.pk != run_id:
        return False
    partial: tuple[Event, ...] = ()
    if run.status == Run.Status.RUNNING:
        partial = _partial_text(chat)
    Turn.objects.filter(chat=chat, status=Turn.Status.RUNNING).update(status=Turn.Status.CANCELLED)
    metrics.close_open_calls(run_id=run.pk, status=ModelCall.Status.ABORTED, error="stopped by the user")
    # First of all after the commit: what is streamed later would come behind the run's end, and be kept.
    on_commit(lambda: engine.interrupt(run.pk))
    end_run(chat, run, status=Run.Status.CANCELLED, reason="stopped", before=partial)
    return True


def pause_for_general_mode(*, principal: Principal) -> list[UUID]:
    """Pause every workflow run of the user (A15); the chats that general mode holds now, in a fixed order."""
    held = []
    for chat_id in _unfinished_chats(principal):
        chat = services.lock_own_chat(principal=principal, chat_id=chat_id)
        if chat.run_state not in (ChatSession.RunState.PAUSED, ChatSession.RunState.PAUSING):
            pause(chat, reason="general_mode")
        if chat.pause_reason == "general_mode":
            held.append(chat_id)
    return held


def resume_from_general_mode(*, principal: Principal) -> list[UUID]:
    """Resume every run that general mode had paused; what the user paused stays paused."""
    resumed = []
    for chat_id in _unfinished_chats(principal):
        chat = services.lock_own_chat(principal=principal, chat_id=chat_id)
        run = selectors.get_unfinished_run(chat_id)
        if chat.pause_reason == "general_mode" or (run is not None and run.pause_requested == "general_mode"):
            resume(chat)
            resumed.append(chat_id)
    return resumed


def _unfinished_chats(principal: Principal) -> list[UUID]:
    runs = Run.objects.filter(
        app_id=principal.app_id,
        chat__owner_id=principal.user_id,
        chat__kind=ChatSession.Kind.WORKFLOW,
        chat__deleted_at=None,
        status__in=Run.UNFINISHED,
    )
    return list(runs.order_by("chat_id").values_list("chat_id", flat=True))


def _in_general_mode(chat: ChatSession) -> bool:
    return UserSession.objects.filter(app_id=chat.app_id, user_id=chat.owner_id, mode=UserSession.Mode.GENERAL).exists()


def _log_pause(chat: ChatSession, reason: str) -> None:
    event = Paused(reason=reason)  # type: ignore[arg-type]
    services.emit(chat, event, run_state=ChatSession.RunState.PAUSED, pause_reason=reason)


def _cancel_input(request: InputRequest) -> Event:
    InputRequest.objects.filter(pk=request.pk).update(status=InputRequest.Status.CANCELLED, resolved_at=timezone.now())
    return InputResolved(input_request_id=request.pk, status="cancelled")


def _partial_text(chat: ChatSession) -> tuple[Event, ...]:
    live = deltas.text_so_far(chat.pk)
    if not live:
        return ()
    return (
        Said(
            source="general_agent" if chat.kind == ChatSession.Kind.GENERAL else "agent",
            message_id=UUID(live["message_id"]),
            role="assistant",
            agent=live["agent"],
            content=live["text"],
            partial=True,
        ),
    )
