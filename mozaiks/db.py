"""The one door to transactions and the base of every model; nothing else says ``transaction.atomic``.

MongoDB's backend has its own transactions and wants the primary key in ``_id``: keeping both decisions here is what
leaves that database open (docs/decisions).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager

from django.db import models, transaction


def txn(*, durable: bool = False) -> AbstractContextManager[None]:
    """One transaction; nested, a savepoint."""
    return transaction.atomic(durable=durable)


def on_commit(call: Callable[[], object]) -> None:
    """Run ``call`` after the commit; its failure is logged and changes nothing that was committed."""
    transaction.on_commit(call, robust=True)


class UUIDModel(models.Model):
    """A row named by a UUID, in a column that MongoDB can use as its primary key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False, db_column="_id")

    class Meta:
        abstract = True
