"""What changes chats and the session; ``emit`` is the only writer of the log (law 1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from mozaiks import faults
from mozaiks.accounts.principal import Principal
from mozaiks.db import on_commit, txn
from mozaiks.gateway import doorbell
from mozaiks.protocol.digest import first_digest, next_digest
from mozaiks.protocol.errors import ChatClosed, Conflict, NotFound, SchemaInvalid
from mozaiks.protocol.events import Event
from mozaiks.protocol.text import clean_json, clean_text

from . import kinds, selectors, store
from .models import ChatSession, LoggedEvent, QueuedMessage

PROJECTED = frozenset(
    {"status", "title", "workflow_name", "run_state", "pause_reason", "waiting", "artifact_id", "last_artifact"}
)


def emit(chat: ChatSession, *events: Event, **projection: Any) -> list[LoggedEvent]:
    """Append ``events`` to the chat's log and ring the doorbell after the commit.

    ``projection`` sets columns of the chat in the same write. The chat's row stays locked until the commit, so numbers
    follow the order of commits; ``chat`` is brought up to date in place.
    """
    unknown = projection.keys() - PROJECTED
    assert not unknown, unknown
    with txn():
        position, version = store.reserve_positions(app_id=chat.app_id, user_id=chat.owner_id, count=len(events))
        head = store.lock_chat_row_without_session(chat.pk)
        now = max(timezone.now(), head.last_updated_at)
        logged = _number(head, events, position, now)
        LoggedEvent.objects.bulk_create(logged)
        columns: dict[str, Any] = {**projection, "last_updated_at": now}
        if logged:
            columns |= {"last_seq": logged[-1].seq, "digest": logged[-1].digest}
        ChatSession.objects.filter(pk=chat.pk).update(**columns)
        for name, value in columns.items():
            setattr(chat, name, value)
        _ring(chat, version)
    return logged


def create_chat(
    *,
    principal: Principal,
    kind: str,
    title: str = "",
    workflow_name: str = "",
    open_tab: bool = True,
    chat_id: UUID | None = None,
) -> ChatSession:
    """A new empty chat of the principal, with a tab at the end of the strip where ``open_tab``."""
    with txn():
        session = store.lock_session(app_id=principal.app_id, user_id=principal.user_id)
        epoch = uuid4()
        chat = ChatSession.objects.create(
            pk=chat_id or uuid4(),
            app_id=principal.app_id,
            owner_id=principal.user_id,
            kind=kind,
            title=clean_text(title).strip()[:200],
            workflow_name=workflow_name,
            epoch=epoch,
            digest=first_digest(epoch),
        )
        if open_tab:
            session.tabs = [*session.tabs, str(chat.pk)]
            session.save(update_fields=["tabs"])
    return chat


def rename_chat(*, principal: Principal, chat_id: UUID, title: str) -> ChatSession:
    """Give the chat a title."""
    with txn():
        chat = lock_own_chat(principal=principal, chat_id=chat_id)
        emit(chat, title=clean_text(title).strip()[:200])
    return chat


def delete_chat(*, principal: Principal, chat_id: UUID) -> None:
    """Hide the chat at once, end its run, take it from the strip; the rows go at the next purge, the ledger stays."""
    with txn():
        chat = lock_own_chat(principal=principal, chat_id=chat_id)
        kinds.get(chat.kind).abandon(chat)
        session = store.lock_session(app_id=principal.app_id, user_id=principal.user_id)
        session.tabs = [tab for tab in session.tabs if tab != str(chat.pk)]
        if session.active_chat_id == chat.pk:
            session.active_chat_id = None
        if session.general_chat_id == chat.pk:
            session.general_chat_id = None
        session.save(update_fields=["tabs", "active_chat_id", "general_chat_id"])
        ChatSession.objects.filter(pk=chat.pk).update(deleted_at=timezone.now())
        emit(chat)


def mark_seen(*, principal: Principal, chat_id: UUID, seq: int) -> int:
    """Mark the chat as read up to ``seq``; never backwards. Returns how many are unread."""
    with txn():
        chat = lock_own_chat(principal=principal, chat_id=chat_id)
        seen = min(max(seq, chat.seen_seq), chat.last_seq)
        if seen != chat.seen_seq:
            ChatSession.objects.filter(pk=chat.pk).update(seen_seq=seen)
            _, version = store.reserve_positions(app_id=chat.app_id, user_id=chat.owner_id, count=0)
            _ring(chat, version)
        return selectors.count_unread(chat_id=chat.pk, seen_seq=seen)


def queue_message(*, chat: ChatSession, principal: Principal, text: str, limit: int) -> QueuedMessage:
    """Keep a message until the locked, busy chat takes it, or ``Conflict`` when the queue is full."""
    waiting = list(chat.queue.order_by("-place").values_list("place", flat=True)[:limit])
    if len(waiting) >= limit:
        raise Conflict(f"This chat's queue is full ({limit} messages). Wait until some were taken.")
    place = waiting[0] + 1 if waiting else 1
    queued = QueuedMessage.objects.create(
        app_id=chat.app_id, chat=chat, author_id=principal.user_id, text=clean_text(text), place=place
    )
    ring_queue(chat)
    return queued


def take_queued(chat: ChatSession) -> QueuedMessage | None:
    """The oldest waiting message, taken out of the queue of the locked chat; the caller logs it in this transaction."""
    queued = chat.queue.order_by("place").first()
    if queued is not None:
        QueuedMessage.objects.filter(pk=queued.pk).delete()
        ring_queue(chat)
    return queued


def update_queued(*, principal: Principal, chat_id: UUID, queued_id: UUID, text: str) -> list[dict[str, Any]]:
    """Change a message that still waits; the queue after it. ``NotFound`` where the chat took it already."""
    if not text.strip():
        raise SchemaInvalid("text: write something first.")
    with txn():
        chat = lock_own_chat(principal=principal, chat_id=chat_id)
        if not chat.queue.filter(pk=queued_id).update(text=clean_text(text)):
            raise NotFound("This message waits no more.")
        ring_queue(chat)
        return selectors.list_queue(chat_id=chat.pk)


def remove_queued(*, principal: Principal, chat_id: UUID, queued_id: UUID) -> list[dict[str, Any]]:
    """Withdraw a message that still waits; the queue after it. ``NotFound`` where the chat took it already."""
    with txn():
        chat = lock_own_chat(principal=principal, chat_id=chat_id)
        if not chat.queue.filter(pk=queued_id).delete()[0]:
            raise NotFound("This message waits no more.")
        ring_queue(chat)
        return selectors.list_queue(chat_id=chat.pk)


def ring_queue(chat: ChatSession) -> None:
    """Tell the owner's sockets that the queue changed."""
    on_commit(lambda: doorbell.ring_topic(app_id=chat.app_id, user_id=chat.owner_id, chat_id=chat.pk, topic="queue"))


def ring_meta(chat: ChatSession) -> None:
    """Tell the owner's sockets that the chat's artifact link changed."""
    on_commit(lambda: doorbell.ring_topic(app_id=chat.app_id, user_id=chat.owner_id, chat_id=chat.pk, topic="meta"))


def lock_own_chat(*, principal: Principal, chat_id: UUID, writable: bool = False) -> ChatSession:
    """The principal's chat, locked; ``NotFound`` where it is missing, deleted or somebody else's."""
    selectors.get_chat(principal=principal, chat_id=chat_id)
    try:
        chat = store.lock_chat(chat_id)
    except ChatSession.DoesNotExist:
        raise NotFound("No such chat.") from None
    if chat.deleted_at is not None:
        raise NotFound("No such chat.")
    if writable and chat.status != ChatSession.Status.IN_PROGRESS:
        raise ChatClosed(f"This chat is {chat.status.lower()} and takes no more messages.")
    return chat


def purge_deleted(*, older_than: timedelta = timedelta(minutes=1), events_at_once: int = 2_000) -> int:
    """Remove some rows of a chat that was deleted a while ago, its log first; how many rows of the log that were.

    A little at a time: on SQLite this shares the one writer with everything else.
    """
    gone = ChatSession.objects.filter(deleted_at__lt=timezone.now() - older_than).first()
    if gone is None:
        return 0
    with txn():
        some = list(LoggedEvent.objects.filter(chat=gone).values_list("pk", flat=True)[:events_at_once])
        LoggedEvent.objects.filter(pk__in=some).delete()
        if len(some) < events_at_once:
            gone.delete()
    return len(some)


def _number(head: ChatSession, events: tuple[Event, ...], position: int, now: datetime) -> list[LoggedEvent]:
    logged = []
    digest = head.digest
    for offset, event in enumerate(events):
        event_id = uuid4()
        digest = next_digest(digest, event_id)
        logged.append(
            LoggedEvent(
                app_id=head.app_id,
                chat_id=head.pk,
                owner_id=head.owner_id,
                seq=head.last_seq + 1 + offset,
                position=position + offset,
                event_id=event_id,
                digest=digest,
                type=event.type,
                source=event.source,
                payload=clean_json(event.data()),
                unread=event.unread,
                created_at=now,
            )
        )
    return logged


def _ring(chat: ChatSession, version: int) -> None:
    app_id, user_id, chat_id, seq = chat.app_id, chat.owner_id, chat.pk, chat.last_seq

    def ring() -> None:
        faults.point("commit_before_doorbell")
        doorbell.ring(app_id=app_id, user_id=user_id, chat_id=chat_id, seq=seq, version=version)

    on_commit(ring)
