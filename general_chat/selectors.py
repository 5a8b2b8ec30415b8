"""Reads of general chats: lists and rows; each takes the principal, and missing equals forbidden (law 11)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from mozaiks.accounts.principal import Principal
from mozaiks.paging import decode_cursor, encode_cursor
from mozaiks.protocol.errors import NotFound
from sessions_app.selectors import stamp

from .models import GeneralChatSession

ORDER = "general"


def get_general_chat(*, principal: Principal, chat_id: UUID) -> GeneralChatSession:
    """The principal's general chat, or ``NotFound``."""
    found = _mine(principal).filter(chat_id=chat_id).first()
    if found is None:
        raise NotFound("No such general chat.")
    return found


def list_general_chats(
    *, principal: Principal, cursor: str | None = None, limit: int = 50
) -> tuple[list[GeneralChatSession], str | None, int]:
    """A page of the principal's general chats, newest first, the next cursor, and how many there are."""
    mine = _mine(principal)
    total = mine.count()
    if cursor:
        mine = mine.filter(sequence__lt=min(int(decode_cursor(cursor, ORDER, int)[0]), 2**31))
    page = list(mine.order_by("-sequence")[: limit + 1])
    following = encode_cursor(ORDER, page[limit - 1].sequence) if len(page) > limit else None
    return page[:limit], following, total


def row(general: GeneralChatSession) -> dict[str, Any]:
    """The chat as ``GET /api/general_chats/list`` shows it."""
    chat = general.chat
    return {
        "chat_id": str(chat.pk),
        "label": chat.label,
        "sequence": general.sequence,
        "status": chat.status,
        "run_state": chat.run_state,
        "created_at": stamp(chat.created_at),
        "last_updated_at": stamp(chat.last_updated_at),
        "last_sequence": chat.last_seq,
    }


def _mine(principal: Principal) -> QuerySet[GeneralChatSession]:
    return GeneralChatSession.objects.select_related("chat").filter(
        app_id=principal.app_id, user_id=principal.user_id, chat__deleted_at=None
    )
