"""What users do with workflows: start, message, answer, switch, complete, retry; each one transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone

from mozaiks import faults
from mozaiks.accounts.principal import Principal
from mozaiks.db import on_commit, txn
from mozaiks.protocol.errors import ChatBusy, Conflict, InputAlreadyResolved, InputExpired, NotFound, SchemaInvalid
from mozaiks.protocol.events import InputResolved, StatusChanged, WorkflowStarted
from mozaiks.protocol.text import clean_text
from sessions_app import kinds, metrics, registry, store
from sessions_app import services as sessions
from sessions_app.kinds import Submission
from sessions_app.models import ChatSession

from . import answers, engine, guards, library, runs, selectors
from .models import InputRequest, Run, Turn, WorkflowSession

MESSAGE_LIMIT = 50_000
"""Characters of one message."""


def start_workflow(
    *, principal: Principal, name: str, message: str | None = None, title: str | None = None
) -> tuple[WorkflowSession, Run | None]:
    """A new chat of that workflow, frozen to today's definition, and its first run where there is something to do.

    A user-started workflow without a message starts idle.

    Raises:
        WorkflowNotFound, PrerequisitesNotMet, BudgetExceeded.
    """
    definition = library.get_definition(name)
    guards.check_prerequisites(principal=principal, definition=definition)
    metrics.check_budget(app_id=principal.app_id, user_id=principal.user_id)
    with txn():
        store.lock_session(app_id=principal.app_id, user_id=principal.user_id)
        chat = sessions.create_chat(
            principal=principal,
            kind=ChatSession.Kind.WORKFLOW,
            title=title or _title_of(message),
            workflow_name=definition.name,
        )
        session = WorkflowSession.objects.create(
            app_id=principal.app_id,
            chat=chat,
            workflow_name=definition.name,
            definition=library.freeze(app_id=principal.app_id, definition=definition),
            cache_seed=chat.pk.int % 2**31,
            variables=dict(definition.variables),
        )
        started = WorkflowStarted(workflow_name=definition.name, definition_hash=definition.hash)
        sessions.emit(chat, started)
        text = clean_text(message).strip() if message else ""
        run = None
        if text or definition.starts_by == "agent":
            run = runs.queue_run(
                chat, cause=Run.Cause.START, before=runs.first_messages(definition, text, session.variables)
            )
    return session, run


def submit_message(
    principal: Principal, chat: ChatSession, text: str, input_request_id: UUID | None, on_busy: str | None
) -> Submission:
    """A message to a locked workflow chat: it answers a question, starts a run, or waits in the queue."""
    question = _question_for(chat, input_request_id)
    if question is not None:
        resolved = answer_input(principal=principal, input_request_id=question.pk, response={"text": text})
        return Submission(
            status="answered", seq=resolved.get("seq"), run_id=question.run_id, already=bool(resolved.get("already"))
        )
    metrics.check_budget(app_id=chat.app_id, user_id=chat.owner_id)
    session = selectors.get_workflow_session(chat_id=chat.pk)
    run = selectors.get_unfinished_run(chat.pk)
    if run is not None or chat.run_state == ChatSession.RunState.PAUSED:
        policy = on_busy or library.thawed(session.definition).on_busy
        return queue_or_reject(principal=principal, chat=chat, text=text, policy=policy)
    if chat.run_state == ChatSession.RunState.FAILED:
        # The user goes on in another way than by a retry: the interrupted turn is given up.
        Turn.objects.filter(chat=chat, status=Turn.Status.RUNNING).update(status=Turn.Status.CANCELLED)
    if not chat.title:
        ChatSession.objects.filter(pk=chat.pk).update(title=_title_of(text))
    if chat.queue.exists():
        # Older messages wait behind a run that failed: they go first.
        waiting = queue_or_reject(principal=principal, chat=chat, text=text, policy="queue")
        sessions.emit(chat, run_state=ChatSession.RunState.IDLE)
        runs.take_next_message(chat)
        return waiting
    seq = chat.last_seq + 1
    run = runs.take_message(chat, clean_text(text), message_id=uuid4())
    return Submission(status="accepted", seq=seq, run_id=run.pk)


def queue_or_reject(*, principal: Principal, chat: ChatSession, text: str, policy: str) -> Submission:
    """A message to a busy chat, by the policy: it waits, or is refused with ``CHAT_BUSY``."""
    if policy == "reject":
        raise ChatBusy("This chat is busy; wait for its answer, or stop the run.")
    limit = settings.MOZAIKS_LIMITS.queued_messages
    queued = sessions.queue_message(chat=chat, principal=principal, text=text, limit=limit)
    return Submission(status="queued", queued_id=queued.pk)


def answer_input(*, principal: Principal, input_request_id: UUID, response: dict[str, Any]) -> dict[str, Any]:
    """Answer a question, approval or form; the run goes on. Answered before: the first resolution, ``already``.

    Returns the resolution: ``{input_request_id, chat_id, status, response, by, seq, already}``.

    Raises:
        NotFound, SchemaInvalid (names the field), InputExpired, InputAlreadyResolved (cancelled).
    """
    found = selectors.get_input_request(principal=principal, input_request_id=input_request_id)
    with txn():
        chat = sessions.lock_own_chat(principal=principal, chat_id=found.chat_id)
        request = store.lock_row(InputRequest, found.pk)
        if request.status == InputRequest.Status.ANSWERED:
            return _resolution(request, already=True)
        if request.status == InputRequest.Status.EXPIRED or _is_over(request):
            raise InputExpired("This question expired; it can no longer be answered.")
        if request.status == InputRequest.Status.CANCELLED:
            raise InputAlreadyResolved("This question was cancelled; nothing waits for its answer.")
        answer = answers.check(request, response)
        resolve_input(chat, request, status=InputRequest.Status.ANSWERED, response=answer, by=principal.username)
    return _resolution(request, already=False)


def resolve_input(
    chat: ChatSession, request: InputRequest, *, status: str, response: Any, by: str | None = None
) -> None:
    """Close an open request of the locked chat and, when it was the last one, let the run go on."""
    request.status, request.response, request.by = status, response, by or ""
    request.resolved_at = timezone.now()
    request.save(update_fields=["status", "response", "by", "resolved_at"])
    if request.name:
        WorkflowSession.objects.filter(chat=chat).update(
            route_last=request.name, route_answer=response, route_output=None
        )
    left = len(selectors.list_open_inputs(chat.pk))
    run = store.lock_row(Run, request.run_id)
    projection: dict[str, Any] = {"waiting": left}
    if left == 0 and run.status == Run.Status.WAITING:
        run.status = Run.Status.QUEUED
        run.save(update_fields=["status"])
        projection["run_state"] = ChatSession.RunState.QUEUED

        def go_on() -> None:
            faults.point("answered_before_wake")
            engine.wake(run.pk)

        on_commit(go_on)
    event = InputResolved(
        source="user" if by else "system",
        input_request_id=request.pk,
        status=status,  # type: ignore[arg-type]
        response=response,
        by=by,
    )
    sessions.emit(chat, event, **projection)


def expire_inputs() -> int:
    """Carry out the declared effect of every open request whose time is over; how many there were."""
    due = InputRequest.objects.filter(status=InputRequest.Status.OPEN, expires_at__lte=timezone.now())
    ids = list(due.values_list("pk", "chat_id")[:200])
    for pk, chat_id in ids:
        with txn():
            chat = store.lock_chat(chat_id)
            request = store.lock_row(InputRequest, pk)
            if request.status == InputRequest.Status.OPEN and _is_over(request):
                _expire(chat, request)
    return len(ids)


def switch_workflow(*, principal: Principal, chat_id: UUID | None) -> dict[str, Any]:
    """Make a workflow chat the active one and leave general mode; without an id the oldest IN_PROGRESS one (B65).

    The target is checked first: a refused switch changes nothing.
    """
    from sessions_app import selectors as chats

    with txn():
        target_id = chat_id or chats.get_default_chat_id(principal=principal)
        store.lock_session(app_id=principal.app_id, user_id=principal.user_id)
        chat = None
        if target_id is not None:
            chat = chats.get_chat(principal=principal, chat_id=target_id)
            if chat.kind != ChatSession.Kind.WORKFLOW:
                raise NotFound("No such workflow chat.")
        before = registry.activate(principal=principal, chat=chat)
        runs.resume_from_general_mode(principal=principal)
    return {
        "from_chat_id": str(before) if before else None,
        "to_chat_id": str(chat.pk) if chat else None,
        "workflow_name": chat.workflow_name if chat else None,
        "artifact_id": str(chat.artifact_id) if chat and chat.artifact_id else None,
    }


def complete_chat(*, principal: Principal, chat_id: UUID) -> ChatSession:
    """The user ends the workflow: its run is cancelled, the chat COMPLETED."""
    with txn():
        chat = sessions.lock_own_chat(principal=principal, chat_id=chat_id, writable=True)
        if chat.kind != ChatSession.Kind.WORKFLOW:
            raise Conflict("Only a workflow can be completed; archive or delete a general chat instead.")
        chat.queue.all().delete()  # before the run ends, which would take the next message
        sessions.ring_queue(chat)
        run = selectors.get_unfinished_run(chat.pk)
        if run is not None:
            runs.stop(chat, run.pk)
        done = ChatSession.Status.COMPLETED
        sessions.emit(
            chat, StatusChanged(status="COMPLETED"), status=done, run_state=ChatSession.RunState.IDLE, pause_reason=""
        )
    return chat


def pause_chat(*, principal: Principal, chat_id: UUID) -> ChatSession:
    """Stop the chat's run at its next safe point."""
    with txn():
        chat = sessions.lock_own_chat(principal=principal, chat_id=chat_id, writable=True)
        runs.pause(chat, reason="user")
    return chat


def resume_chat(*, principal: Principal, chat_id: UUID) -> ChatSession:
    """Let the chat's paused run go on."""
    with txn():
        chat = sessions.lock_own_chat(principal=principal, chat_id=chat_id, writable=True)
        runs.resume(chat)
    return chat


def retry_chat(*, principal: Principal, chat_id: UUID) -> Run:
    """Queue the chat's failed run again, from its last committed step."""
    with txn():
        chat = sessions.lock_own_chat(principal=principal, chat_id=chat_id, writable=True)
        if chat.run_state != ChatSession.RunState.FAILED:
            raise Conflict("There is no failed run to retry in this chat.")
        metrics.check_budget(app_id=chat.app_id, user_id=chat.owner_id)
        return runs.queue_run(chat, cause=Run.Cause.RETRY)


def stop_run(*, principal: Principal, chat_id: UUID, run_id: UUID) -> bool:
    """End that run now and keep the text so far; False where it is not the current run."""
    with txn():
        chat = sessions.lock_own_chat(principal=principal, chat_id=chat_id)
        return kinds.get(chat.kind).stop(chat, run_id)


def submit(
    *,
    principal: Principal,
    chat_id: UUID | None,
    text: str,
    input_request_id: UUID | None = None,
    on_busy: str | None = None,
) -> tuple[UUID, Submission]:
    """A message to a chat; without an id to the current general chat in general mode, else to the active chat."""
    from sessions_app import selectors as chats

    if not text.strip():
        raise SchemaInvalid("text: write something first.")
    with txn():
        if chat_id is None and input_request_id is not None:
            chat_id = selectors.get_input_request(principal=principal, input_request_id=input_request_id).chat_id
        if chat_id is None:
            session = chats.get_session(principal=principal)
            chat_id = session.general_chat_id if session.mode == "general" else session.active_chat_id
            if chat_id is None:
                raise NotFound("There is no active chat; start a workflow or name a chat.")
        chat = sessions.lock_own_chat(principal=principal, chat_id=chat_id, writable=True)
        return chat_id, kinds.get(chat.kind).submit(principal, chat, clean_text(text), input_request_id, on_busy)


def _question_for(chat: ChatSession, input_request_id: UUID | None) -> InputRequest | None:
    """The request that a plain message answers: the named one, else the only open question."""
    if input_request_id is not None:
        request = InputRequest.objects.filter(pk=input_request_id, chat=chat).first()
        if request is None:
            raise NotFound("No such input request.")
        if request.kind != "question":
            raise SchemaInvalid(f"input_request_id: this is a request of kind {request.kind}; use ui_tool_response.")
        return request
    questions = [request for request in selectors.list_open_inputs(chat.pk) if request.kind == "question"]
    return questions[0] if len(questions) == 1 else None


def _expire(chat: ChatSession, request: InputRequest) -> None:
    if request.on_expiry == "default":
        resolve_input(chat, request, status=InputRequest.Status.EXPIRED, response=request.default)
        return
    resolve_input(chat, request, status=InputRequest.Status.EXPIRED, response=None)
    run = selectors.get_unfinished_run(chat.pk)
    if run is None:
        return
    if request.on_expiry == "cancel":
        runs.end_run(chat, run, status=Run.Status.CANCELLED, reason="a question expired")
    else:
        runs.fail_run(chat, run, code=InputExpired.code, message="A question expired before it was answered.")


def _is_over(request: InputRequest) -> bool:
    return request.expires_at is not None and request.expires_at <= timezone.now()


def _resolution(request: InputRequest, *, already: bool) -> dict[str, Any]:
    chat = ChatSession.objects.get(pk=request.chat_id)
    resolution = {
        "input_request_id": str(request.pk),
        "chat_id": str(request.chat_id),
        "status": request.status,
        "response": request.response,
        "by": request.by or None,
    }
    return {**resolution, "already": True} if already else {**resolution, "seq": chat.last_seq}


def _title_of(message: str | None) -> str:
    words = " ".join((message or "").split())
    return words if len(words) <= 60 else words[:59].rsplit(" ", 1)[0] + "…"
