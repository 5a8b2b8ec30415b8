"""Reads of chats, their logs and the ledger; each takes the principal, and missing equals forbidden (law 11)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from mozaiks.accounts.principal import Principal
from mozaiks.protocol.errors import NotFound

from .models import ChatSession, LoggedEvent, ModelCall, QueuedMessage, UserSession

MAX_TABS = 200
MAX_GENERAL = 50


def list_chats(*, principal: Principal) -> QuerySet[ChatSession]:
    """The principal's chats that are not deleted."""
    return ChatSession.objects.filter(app_id=principal.app_id, owner_id=principal.user_id, deleted_at=None)


def get_chat(*, principal: Principal, chat_id: UUID) -> ChatSession:
    """The principal's chat, or ``NotFound``."""
    try:
        return list_chats(principal=principal).get(pk=chat_id)
    except ChatSession.DoesNotExist:
        raise NotFound("No such chat.") from None


def get_session(*, principal: Principal) -> UserSession:
    """The principal's session row; an unsaved one with the defaults where there is none yet."""
    found = UserSession.objects.filter(app_id=principal.app_id, user_id=principal.user_id).first()
    return found or UserSession(app_id=principal.app_id, user_id=principal.user_id)


def list_workflow_sessions(*, principal: Principal, status: str = "IN_PROGRESS") -> QuerySet[ChatSession]:
    """The principal's workflow chats of that status, oldest first (B63, D3)."""
    return (
        list_chats(principal=principal)
        .filter(kind=ChatSession.Kind.WORKFLOW, status=status)
        .order_by("created_at", "pk")
    )


def get_default_chat_id(*, principal: Principal) -> UUID | None:
    """The oldest IN_PROGRESS workflow chat (B65)."""
    return list_workflow_sessions(principal=principal).values_list("pk", flat=True).first()


def list_events(*, chat_id: UUID, after: int = 0, upto: int | None = None, limit: int = 200) -> list[LoggedEvent]:
    """Events of a chat with ``after < seq <= upto``, in order, at most ``limit``."""
    events = LoggedEvent.objects.filter(chat_id=chat_id, seq__gt=after)
    if upto is not None:
        events = events.filter(seq__lte=upto)
    return list(events.order_by("seq")[:limit])


def list_messages(*, chat_id: UUID, after: int = 0, limit: int | None = None) -> list[LoggedEvent]:
    """The ``chat.text`` events of a chat after ``after``, in order; all of them without ``limit``."""
    events = LoggedEvent.objects.filter(chat_id=chat_id, type="chat.text", seq__gt=after).order_by("seq")
    return list(events if limit is None else events[:limit])


def count_unread(*, chat_id: UUID, seen_seq: int) -> int:
    """Visible messages, questions and artifacts of others after ``seen_seq``."""
    return LoggedEvent.objects.filter(chat_id=chat_id, unread=True, seq__gt=seen_seq).count()


def wire_event(event: LoggedEvent, *, epoch: UUID) -> dict[str, Any]:
    """The event as PROTOCOL section 3 shows it, without ``replay``."""
    return {
        "type": event.type,
        "chat_id": str(event.chat_id),
        "epoch": str(epoch),
        "seq": event.seq,
        "event_id": str(event.event_id),
        "timestamp": stamp(event.created_at),
        "source": event.source,
        "data": event.payload,
    }


def stamp(moment: Any) -> str:
    """RFC 3339 in UTC."""
    return str(moment.isoformat()).replace("+00:00", "Z")


def tab_summaries(*, chats: Iterable[ChatSession]) -> list[dict[str, Any]]:
    """Each chat as a tab of PROTOCOL section 4, in the order given; one query for all unread counts."""
    chats = list(chats)
    unread = _unread_counts(chats)
    owners = UserSession.objects.filter(user_id__in={chat.owner_id for chat in chats})
    strip = {tab for tabs in owners.values_list("tabs", flat=True) for tab in tabs}
    return [{**_summary(chat, unread.get(chat.pk, 0)), "open": str(chat.pk) in strip} for chat in chats]


def list_tabs(*, principal: Principal, session: UserSession) -> list[dict[str, Any]]:
    """The open tabs in the strip's order, then general chats, newest first."""
    order = [UUID(tab) for tab in session.tabs]
    mine = list_chats(principal=principal)
    open_chats = {chat.pk: chat for chat in mine.filter(pk__in=order, kind=ChatSession.Kind.WORKFLOW)}
    tabs = [open_chats[pk] for pk in order if pk in open_chats][-MAX_TABS:]
    general = mine.filter(kind=ChatSession.Kind.GENERAL, archived_at=None).order_by("-created_at", "-pk")[:MAX_GENERAL]
    return tab_summaries(chats=[*tabs, *general])


def list_queue(*, chat_id: UUID) -> list[dict[str, Any]]:
    """The waiting messages of a chat, oldest first."""
    return [
        {"queued_id": str(queued.pk), "text": queued.text, "created_at": stamp(queued.created_at)}
        for queued in QueuedMessage.objects.filter(chat_id=chat_id).order_by("place")
    ]


def sum_usage(calls: QuerySet[ModelCall]) -> dict[str, Any]:
    """Absolute sums over ledger rows: calls, tokens, cost, and how many calls have no known figure (law 9)."""
    sums = calls.exclude(status=ModelCall.Status.OPEN).aggregate(
        prompt=Sum("prompt_tokens"),
        completion=Sum("completion_tokens"),
        cost=Sum("cost"),
        calls=Count("pk"),
        unknown=Count("pk", filter=Q(prompt_tokens=None)),
    )
    prompt, completion = sums["prompt"] or 0, sums["completion"] or 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "cost": str(_plain(sums["cost"])) if sums["cost"] is not None else None,
        "calls": sums["calls"],
        "unknown_calls": sums["unknown"],
    }


def chat_usage(*, chat_id: UUID) -> dict[str, Any]:
    """Sums over the ledger of one chat."""
    return sum_usage(ModelCall.objects.filter(chat_id=chat_id))


def run_usage(*, run_id: UUID) -> dict[str, Any]:
    """Sums over the ledger of one run."""
    return sum_usage(ModelCall.objects.filter(run_id=run_id))


def user_usage(*, principal: Principal) -> dict[str, Any]:
    """Sums over the principal's ledger in this app."""
    return sum_usage(ModelCall.objects.filter(app_id=principal.app_id, user_id=principal.user_id))


def usage_by_day(*, principal: Principal) -> dict[str, Any]:
    """The principal's sums, in all and by day (UTC)."""
    mine = ModelCall.objects.filter(app_id=principal.app_id, user_id=principal.user_id)
    days = (
        mine.exclude(status=ModelCall.Status.OPEN)
        .annotate(day=TruncDate("opened_at"))
        .values("day")
        .annotate(prompt=Sum("prompt_tokens"), completion=Sum("completion_tokens"), cost=Sum("cost"), calls=Count("pk"))
        .order_by("day")
    )
    return {
        "totals": user_usage(principal=principal),
        "by_day": [
            {
                "day": row["day"].isoformat(),
                "prompt_tokens": row["prompt"] or 0,
                "completion_tokens": row["completion"] or 0,
                "total_tokens": (row["prompt"] or 0) + (row["completion"] or 0),
                "cost": str(_plain(row["cost"])) if row["cost"] is not None else None,
                "calls": row["calls"],
            }
            for row in days
        ],
    }


def _plain(cost: Decimal) -> Decimal:
    return cost.quantize(Decimal("0.00000001")).normalize() + 0


def _unread_counts(chats: list[ChatSession]) -> dict[UUID, int]:
    if not chats:
        return {}
    rows = (
        LoggedEvent.objects.filter(chat_id__in=[chat.pk for chat in chats], unread=True, seq__gt=F("chat__seen_seq"))
        .values("chat_id")
        .annotate(count=Count("pk"))
    )
    return {row["chat_id"]: row["count"] for row in rows}


def _summary(chat: ChatSession, unread: int) -> dict[str, Any]:
    summary = {
        "chat_id": str(chat.pk),
        "kind": chat.kind,
        "workflow_name": chat.workflow_name or None,
        "label": chat.label,
        "status": chat.status,
        "run_state": chat.run_state,
        "pause_reason": chat.pause_reason or None,
        "last_seq": chat.last_seq,
        "epoch": str(chat.epoch),
        "unread": unread,
        "waiting": chat.waiting,
        "artifact_id": str(chat.artifact_id) if chat.artifact_id else None,
        "created_at": stamp(chat.created_at),
        "last_updated_at": stamp(chat.last_updated_at),
    }
    return summary
