"""The log under load and after a rollback: numbers without holes, and nobody hears of what did not happen (law 1)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from mozaiks.accounts.principal import Principal
from mozaiks.db import txn
from mozaiks.gateway import doorbell
from mozaiks.protocol.digest import first_digest, next_digest
from mozaiks.protocol.events import Said
from sessions_app import registry, selectors, services
from sessions_app.models import ChatSession, LoggedEvent, UserSession

THREADS = 32
EACH = 4


def said(text: str) -> Said:
    return Said(source="agent", message_id=uuid4(), role="assistant", agent="x", content=text)


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the doorbell was rung for."""
    rung: list[dict[str, Any]] = []
    monkeypatch.setattr(doorbell, "ring", lambda **bell: rung.append(bell))
    return rung


@pytest.mark.requirement("law 1", "A40")
@pytest.mark.django_db(transaction=True)
def test_many_writers_leave_a_dense_log_and_one_order_over_all_chats(principal: Principal) -> None:
    chats = [services.create_chat(principal=principal, kind=ChatSession.Kind.WORKFLOW) for _ in range(2)]
    together = Barrier(THREADS)

    def write(number: int) -> None:
        try:
            together.wait(30)
            for turn in range(EACH):
                chat = ChatSession.objects.get(pk=chats[(number + turn) % 2].pk)
                services.emit(chat, said(f"{number}.{turn}"))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(write, range(THREADS)))
    positions = []
    for chat in chats:
        chat.refresh_from_db()
        log = list(LoggedEvent.objects.filter(chat=chat).order_by("seq"))
        assert [event.seq for event in log] == list(range(1, THREADS * EACH // 2 + 1))
        digest = first_digest(chat.epoch)
        for event in log:
            digest = next_digest(digest, event.event_id)
            assert event.digest == digest
        assert (chat.last_seq, chat.digest) == (len(log), digest)
        # the order over all chats agrees with the order in each
        assert [event.position for event in log] == sorted(event.position for event in log)
        positions += [event.position for event in log]
    assert sorted(positions) == list(range(1, THREADS * EACH + 1))


@pytest.mark.requirement("A20", "A23", "law 1")
@pytest.mark.django_db(transaction=True)
def test_many_who_make_the_users_first_row_at_once_make_one(principal: Principal) -> None:
    together = Barrier(8)

    def number(_: int) -> int:
        try:
            together.wait(30)
            with txn():
                return registry.next_general_sequence(principal=principal)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(number, range(8))) == list(range(1, 9))
    assert UserSession.objects.count() == 1


@pytest.mark.requirement("law 1")
@pytest.mark.django_db(transaction=True)
def test_nobody_hears_of_what_was_rolled_back(chat: ChatSession, bells: list[dict[str, Any]]) -> None:
    services.emit(chat, said("kept"))
    bells.clear()
    with suppress(ZeroDivisionError), txn():
        services.emit(chat, said("never happened"), title="never")
        raise ZeroDivisionError
    assert bells == []
    chat = ChatSession.objects.get(pk=chat.pk)
    services.emit(chat, said("next"))
    assert [event.seq for event in selectors.list_events(chat_id=chat.pk)] == [1, 2]
    assert [bell["seq"] for bell in bells] == [2]
    assert ChatSession.objects.get(pk=chat.pk).title == "A chat"


@pytest.mark.requirement("law 1")
@pytest.mark.django_db(transaction=True)
def test_a_savepoint_that_is_taken_back_leaves_no_hole(chat: ChatSession, bells: list[dict[str, Any]]) -> None:
    with txn():
        services.emit(chat, said("one"))
        with suppress(ZeroDivisionError), txn():
            services.emit(chat, said("taken back"))
            raise ZeroDivisionError
        services.emit(ChatSession.objects.get(pk=chat.pk), said("two"))
        assert bells == []  # nobody hears before the commit
    assert [event.payload["content"] for event in selectors.list_events(chat_id=chat.pk)] == ["one", "two"]
    assert {bell["seq"] for bell in bells} == {1, 2}


@pytest.mark.requirement("law 13")
@pytest.mark.django_db
def test_what_no_database_can_keep_is_made_whole_before_it_is_kept(chat: ChatSession) -> None:
    message = Said(
        source="agent",
        message_id=uuid4(),
        role="assistant",
        content="a\x00b\ud800c",
        metadata={"k\x00": [float("nan"), float("inf"), "\udfff"]},
    )
    services.emit(chat, message)
    (event,) = selectors.list_events(chat_id=chat.pk)
    assert event.payload["content"] == "ab\ufffdc"
    assert event.payload["metadata"] == {"k": [None, None, "\ufffd"]}


@pytest.mark.requirement("B71", "B72")
@pytest.mark.django_db
def test_the_time_of_a_chat_never_goes_back(chat: ChatSession) -> None:
    later = chat.last_updated_at.replace(year=chat.last_updated_at.year + 1)
    ChatSession.objects.filter(pk=chat.pk).update(last_updated_at=later)
    (logged,) = services.emit(chat, said("now"))
    assert ChatSession.objects.get(pk=chat.pk).last_updated_at == later == logged.created_at
