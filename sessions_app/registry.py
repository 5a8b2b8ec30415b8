"""SessionRegistry: what the user has open, kept in the database so that it survives everything (A8, A39).

Every change takes the session row first (lock order), and raises its version, so clients notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings

from mozaiks.accounts.principal import Principal
from mozaiks.db import on_commit, txn
from mozaiks.gateway import doorbell
from mozaiks.protocol.errors import SchemaInvalid

from . import selectors, store
from .models import ChatSession, UserSession


def get_state(*, principal: Principal) -> dict[str, Any]:
    """The session state of PROTOCOL section 4."""
    session = selectors.get_session(principal=principal)
    first = settings.MOZAIKS_MODELS.first
    limits = settings.MOZAIKS_LIMITS
    default = selectors.get_default_chat_id(principal=principal)
    return {
        "protocol": 1,
        "app_id": principal.app_slug,
        "user_id": principal.username,
        "session_version": session.version,
        "mode": session.mode,
        "active_chat_id": _text(session.active_chat_id),
        "general_chat_id": _text(session.general_chat_id),
        "default_chat_id": _text(default),
        "tabs": selectors.list_tabs(principal=principal, session=session),
        "limits": {name: getattr(limits, name) for name in limits.__dataclass_fields__},
        "model": {"name": first.name, "kind": first.kind},
    }


def activate(*, principal: Principal, chat: ChatSession | None) -> UUID | None:
    """Make a workflow chat (or none) the active one and leave general mode; the chat that was active before.

    An IN_PROGRESS chat whose tab was closed gets it back at the end of the strip.
    """
    with txn():
        session = store.lock_session(app_id=principal.app_id, user_id=principal.user_id)
        before = session.active_chat_id
        session.mode = UserSession.Mode.WORKFLOW
        session.active_chat_id = chat.pk if chat else None
        if chat and str(chat.pk) not in session.tabs:
            session.tabs = [*session.tabs, str(chat.pk)]
        session.save(update_fields=["mode", "active_chat_id", "tabs"])
        changed(principal, chat_id=chat.pk if chat else None)
    return before


def enter_general(*, principal: Principal, chat: ChatSession) -> None:
    """Put the session into general mode with that general chat."""
    with txn():
        session = store.lock_session(app_id=principal.app_id, user_id=principal.user_id)
        session.mode = UserSession.Mode.GENERAL
        session.general_chat_id = chat.pk
        session.save(update_fields=["mode", "general_chat_id"])
        changed(principal)


def next_general_sequence(*, principal: Principal) -> int:
    """The number of the next general chat, without gaps or doubles: the row is locked until the commit (A20, A23)."""
    session = store.lock_session(app_id=principal.app_id, user_id=principal.user_id)
    session.general_sequence += 1
    session.save(update_fields=["general_sequence"])
    return session.general_sequence


def close_tab(*, principal: Principal, chat_id: UUID) -> list[str]:
    """Take the chat's tab from the strip; ends nothing. The strip that is left."""
    selectors.get_chat(principal=principal, chat_id=chat_id)
    with txn():
        session = store.lock_session(app_id=principal.app_id, user_id=principal.user_id)
        session.tabs = [tab for tab in session.tabs if tab != str(chat_id)]
        if session.active_chat_id == chat_id:
            session.active_chat_id = None
        session.save(update_fields=["tabs", "active_chat_id"])
        changed(principal, chat_id=chat_id)
        return list(session.tabs)


def reorder_tabs(*, principal: Principal, chat_ids: Sequence[UUID]) -> list[str]:
    """Put the named tabs first in that order; others keep theirs after them. The new strip."""
    wanted = [str(chat_id) for chat_id in chat_ids]
    if len(set(wanted)) != len(wanted):
        raise SchemaInvalid("chat_ids: a tab is named twice.")
    for chat_id in chat_ids:
        selectors.get_chat(principal=principal, chat_id=chat_id)
    with txn():
        session = store.lock_session(app_id=principal.app_id, user_id=principal.user_id)
        known = [tab for tab in wanted if tab in session.tabs]
        session.tabs = [*known, *(tab for tab in session.tabs if tab not in known)]
        session.save(update_fields=["tabs"])
        changed(principal)
        return list(session.tabs)


def changed(principal: Principal, *, chat_id: UUID | None = None) -> None:
    """Raise the session version and tell the user's sockets, of the chat's tab too, after the commit."""
    _, version = store.reserve_positions(app_id=principal.app_id, user_id=principal.user_id, count=0)
    app_id, user_id = principal.app_id, principal.user_id
    on_commit(lambda: doorbell.ring(app_id=app_id, user_id=user_id, chat_id=chat_id, seq=0, version=version))


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None
