"""A lock holds what it names and nothing else."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connections

from mozaiks.accounts.principal import Principal
from mozaiks.db import txn
from sessions_app import services, store
from sessions_app.models import ChatSession


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement("law 6")
def test_a_locked_chat_holds_up_nobody_else_of_its_app(people: dict[str, Principal]) -> None:
    alices, bobs = (
        services.create_chat(principal=people[name], kind=ChatSession.Kind.WORKFLOW) for name in ("alice", "bob")
    )
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with txn():
            store.lock_chat(alices.pk)
            locked.set()
            done.wait(10)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert locked.wait(10)
        began = time.monotonic()
        with txn():
            store.lock_chat(bobs.pk)
            services.emit(bobs)
        assert time.monotonic() - began < 2
    finally:
        done.set()
        holder.join()
