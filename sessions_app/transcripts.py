"""Pages of what was said: one chat's log, all chats of a user in stored order, and lists of chats (D1, D3, A26, A40).

Reads only. A page ends where it ends: its cursor names the last row, so rows that come meanwhile are never skipped.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from mozaiks.accounts.principal import Principal
from mozaiks.paging import decode_cursor, encode_cursor
from mozaiks.protocol.errors import SchemaInvalid

from . import selectors
from .models import ChatSession, LoggedEvent

TIMELINE = "timeline"
LIFTED = ("role", "agent", "content", "visible")


def read_transcript(*, chat: ChatSession, after: int = 0, limit: int | None = 200) -> dict[str, Any]:
    """A page of a chat's log after ``after``: ``events`` are all of it, ``messages`` what was said, both in order.

    ``next_after`` is the next page's ``after``, or null.
    """
    events = LoggedEvent.objects.filter(chat_id=chat.pk, seq__gt=after, seq__lte=chat.last_seq).order_by("seq")
    page = list(events if limit is None else events[:limit])
    more = bool(page) and page[-1].seq < chat.last_seq
    return {
        **_page([message_row(event, epoch=chat.epoch) for event in page]),
        "next_after": page[-1].seq if more else None,
    }


def read_timeline(*, principal: Principal, cursor: str | None = None, limit: int = 200) -> dict[str, Any]:
    """Events of all the principal's chats, workflow and general, in the order they were stored (A40, D1)."""
    after = int(decode_cursor(cursor, TIMELINE, int)[0]) if cursor else 0
    if not 0 <= after < 2**62:
        raise SchemaInvalid("cursor: this is no cursor of this list; leave it out to start again.")
    page = list(
        LoggedEvent.objects.filter(
            app_id=principal.app_id, owner_id=principal.user_id, chat__deleted_at=None, position__gt=after
        ).order_by("position")[: limit + 1]
    )
    chats = selectors.list_chats(principal=principal).filter(pk__in={event.chat_id for event in page})
    epochs = dict(chats.values_list("pk", "epoch"))
    shown = [event for event in page[:limit] if event.chat_id in epochs]
    return {
        **_page([message_row(event, epoch=epochs[event.chat_id]) for event in shown]),
        "next_cursor": encode_cursor(TIMELINE, page[limit - 1].position) if len(page) > limit else None,
    }


def message_row(event: LoggedEvent, *, epoch: UUID) -> dict[str, Any]:
    """The wire event, with what a message says beside its ``data`` too (null for an event that is no message)."""
    said = event.payload if event.type == "chat.text" else {}
    return {**selectors.wire_event(event, epoch=epoch), **{name: said.get(name) for name in LIFTED}}


def _page(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"messages": [row for row in rows if row["type"] == "chat.text"], "events": rows}


def list_workflow_chats(
    *, principal: Principal, status: str, recent: bool, cursor: str | None, limit: int
) -> tuple[list[ChatSession], str | None, int]:
    """A page of the principal's workflow chats of that status, the next cursor, and how many there are.

    Oldest first, or with ``recent`` newest-updated first (D3).
    """
    chats = selectors.list_workflow_sessions(principal=principal, status=status)
    total = chats.count()
    order, column = ("recent", "last_updated_at") if recent else ("oldest", "created_at")
    if cursor:
        moment, pk = _place(cursor, order)
        side = "lt" if recent else "gt"
        chats = chats.filter(Q(**{f"{column}__{side}": moment}) | Q(**{column: moment, f"pk__{side}": pk}))
    page = list(chats.order_by(*((f"-{column}", "-pk") if recent else (column, "pk")))[: limit + 1])
    last = page[limit - 1] if len(page) > limit else None
    following = encode_cursor(order, getattr(last, column).isoformat(), str(last.pk)) if last else None
    return page[:limit], following, total


def as_markdown(*, title: str, events: list[dict[str, Any]]) -> str:
    """The visible conversation as Markdown: who said what, what was asked and answered, which artifacts were made."""
    parts = [f"# {title}"]
    for row in events:
        data = row["data"]
        match row["type"]:
            case "chat.text" if data["visible"]:
                name = data.get("agent") or ("User" if data["role"] == "user" else data["role"])
                cut = "\n\n_(stopped here)_" if data.get("partial") else ""
                parts.append(f"## {name}\n\n{data['content']}{cut}")
            case "chat.input_request":
                parts.append(f"> **Asked:** {_quoted(data['prompt'])}")
            case "chat.input_resolved":
                parts.append(f"> **{str(data['status']).capitalize()}:** {_quoted(_answer(data.get('response')))}")
            case "chat.artifact":
                parts.append(f"> **{data['artifact_type']}**, version {data['version']} ({data['operation']})")
            case "chat.error":
                parts.append(f"> **Error:** {_quoted(data['message'])}")
    return "\n\n".join(parts) + "\n"


def _place(cursor: str, order: str) -> tuple[datetime, UUID]:
    moment, pk = decode_cursor(cursor, order, str, str)
    try:
        found = datetime.fromisoformat(str(moment))
        if found.tzinfo is None:
            raise ValueError(moment)
        return found, UUID(str(pk))
    except ValueError:
        raise SchemaInvalid("cursor: this is no cursor of this list; leave it out to start again.") from None


def _answer(response: Any) -> str:
    if not isinstance(response, dict):
        return "" if response is None else str(response)
    if set(response) == {"text"}:
        return str(response["text"])
    return ", ".join(f"{name}: {value}" for name, value in response.items())


def _quoted(text: str) -> str:
    return text.replace("\n", "\n> ")
