"""The only module that knows the database's own ways: row locks and gap-free numbers (notes: portable models).

Lock order everywhere: UserSession, chats by id, run, artifacts, ledger.
"""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, connection, models

from mozaiks.db import txn

from .models import ChatSession, UserSession

M = TypeVar("M", bound=models.Model)


def lock_session(*, app_id: UUID, user_id: UUID) -> UserSession:
    """The user's session row, made where missing, locked until the transaction ends."""
    try:
        return UserSession.objects.select_for_update().get(app_id=app_id, user_id=user_id)
    except UserSession.DoesNotExist:
        try:
            with txn():
                UserSession.objects.create(app_id=app_id, user_id=user_id)
        except IntegrityError:
            pass  # another process made it between our look and our write
        return UserSession.objects.select_for_update().get(app_id=app_id, user_id=user_id)


def lock_chat(chat_id: UUID) -> ChatSession:
    """The chat's row locked, after its owner's session row; raises ``ChatSession.DoesNotExist``."""
    owner = ChatSession.objects.values("app_id", "owner_id").get(pk=chat_id)
    lock_session(app_id=owner["app_id"], user_id=owner["owner_id"])
    return ChatSession.objects.select_for_update(of=("self",)).select_related("app", "owner").get(pk=chat_id)


def lock_chat_row_without_session(chat_id: UUID) -> ChatSession:
    """The chat's row locked, for a caller that holds the session row already."""
    return ChatSession.objects.select_for_update(of=("self",)).select_related("app", "owner").get(pk=chat_id)


def lock_row(model: type[M], pk: Any) -> M:
    """Any other row locked; callers keep the lock order of this module."""
    return model._default_manager.select_for_update().get(pk=pk)


def reserve_positions(*, app_id: UUID, user_id: UUID, count: int) -> tuple[int, int]:
    """Take ``count`` positions of the user's timeline and raise the session version: first position, new version.

    One UPDATE ... RETURNING, so the row stays locked until the commit and numbers follow the order of commits (law 1).
    """
    table = connection.ops.quote_name(UserSession._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET position = position + %s, version = version + 1 "  # noqa: S608  (a table's own name)
            "WHERE app_id = %s AND user_id = %s RETURNING position, version",
            [count, _uuid(app_id), _uuid(user_id)],
        )
        row = cursor.fetchone()
    if row is None:
        lock_session(app_id=app_id, user_id=user_id)
        return reserve_positions(app_id=app_id, user_id=user_id, count=count)
    return row[0] - count + 1, row[1]


def _uuid(value: UUID) -> Any:
    return value if connection.features.has_native_uuid_field else value.hex
