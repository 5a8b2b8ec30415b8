"""Doorbells, tabs, heartbeats, queues: what is in no log, and that losing it loses nothing (law 1)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.db.models import F

from mozaiks.accounts.principal import Principal
from mozaiks.gateway import consumer, doorbell, hub, ports
from mozaiks.protocol.events import ArtifactChanged, Event, InputRequested
from sessions_app import services
from sessions_app.models import ChatSession
from tests.harness.client import Client

from .scene import (
    Connect,
    Frame,
    database,
    said,
    start,
)


@pytest.mark.requirement("law 1")
async def test_a_lost_doorbell_costs_seconds_not_events(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lose(group: str, message: Frame) -> None:
        return None

    monkeypatch.setattr(hub, "POLL_EVERY", 0.2)
    monkeypatch.setattr(doorbell, "send", lose)
    alice, other = await connect("alice"), await connect("alice")
    started = await alice.ask("chat.start_workflow", workflow_name="Chain", message="Hello there")
    await other.ask("chat.open", chat_id=started["chat_id"])
    assert await alice.settle(started["chat_id"]) == "chat.run_complete"
    assert await other.settle(started["chat_id"]) == "chat.run_complete"
    if not any(frame["type"] == "chat.context_switched" for frame in other.frames):  # told after the events
        await other.until(lambda frame: frame["type"] == "chat.context_switched")
    switched = [frame for frame in other.frames if frame["type"] == "chat.context_switched"]
    assert [frame["to_chat_id"] for frame in switched] == [started["chat_id"]]


@pytest.mark.requirement("law 1")
async def test_a_doubled_or_foreign_doorbell_changes_nothing(alice: Client, principal: Principal) -> None:
    chat_id = await start(alice)
    await alice.drain()
    before = len(alice.frames)
    group = doorbell.group_of(app_id=principal.app_id, user_id=principal.user_id)
    for bell in (
        {"chat_id": chat_id, "seq": 9_999, "version": 1, "topics": []},
        {"chat_id": str(uuid4()), "seq": 3, "version": 0, "topics": ["queue", "meta", "usage", "what"]},
    ):
        await doorbell.send(group, {"type": "gateway.bells", "bells": [bell, bell]})
    await alice.drain()
    assert {frame["type"] for frame in alice.frames[before:]} <= {"session.updated"}


@pytest.mark.requirement("PROTOCOL 3")
async def test_a_chat_that_is_not_followed_shows_in_its_tab(connect: Connect) -> None:
    watcher, worker = await connect("alice", cursors={}), await connect("alice")
    chat_id = await start(worker, "Interview")
    updated = await watcher.until(lambda f: f["type"] == "session.updated" and f["chat"]["run_state"] == "waiting")
    tab = updated["chat"]
    assert set(tab) >= {
        "chat_id", "kind", "workflow_name", "label", "status", "run_state", "last_seq", "epoch", "unread", "waiting",
        "created_at", "last_updated_at",
    }  # fmt: skip
    assert (tab["chat_id"], tab["waiting"], tab["unread"]) == (chat_id, 1, 1)
    assert chat_id not in watcher.chats
    state = await watcher.ask("session.list")
    assert state["session_version"] >= updated["session_version"]
    assert state["tabs"] == [tab]


@pytest.mark.requirement("PROTOCOL 3")
async def test_the_heartbeat_tells_the_heads_of_what_is_followed(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "HEARTBEAT_EVERY", 0.2)
    alice = await connect("alice")
    chat_id = await start(alice)
    await alice.drain(0.1)
    beat = await alice.until(lambda frame: frame["type"] == "heartbeat")
    log = alice.chats[chat_id]
    assert beat["chats"] == {chat_id: {"epoch": log.epoch, "seq": log.seq, "digest": log.digest}}
    assert beat["session_version"] == (await alice.ask("session.list"))["session_version"]


@pytest.mark.requirement("PROTOCOL 2")
async def test_unread_counts_what_others_said_visibly(alice: Client, principal: Principal) -> None:
    def write() -> str:
        chat = services.create_chat(principal=principal, kind=ChatSession.Kind.WORKFLOW)
        question = InputRequested(input_request_id=uuid4(), kind="question", prompt="?")
        made = ArtifactChanged(
            artifact_id=uuid4(), artifact_type="Plan", version=1, operation="created", ui_tool_id="plan", state={}
        )
        events: tuple[Event, ...] = (
            said("1"),
            said("hidden", visible=False),
            said("mine", source="user"),
            question,
            made,
        )
        services.emit(chat, *events)
        return str(chat.pk)

    chat_id = await database(write)
    (tab,) = (await alice.ask("session.list"))["tabs"]
    assert tab["unread"] == 3
    assert await alice.ask("chat.seen", chat_id=chat_id, seq=1) == {"unread": 2}
    assert await alice.ask("chat.seen", chat_id=chat_id, seq=0) == {"unread": 2}
    assert await alice.ask("chat.seen", chat_id=chat_id, seq=10**9) == {"unread": 0}
    updated = await alice.until(lambda frame: frame["type"] == "session.updated" and frame["chat"]["unread"] == 0)
    assert updated["chat"]["chat_id"] == chat_id


@pytest.mark.requirement("PROTOCOL 3", "PROTOCOL 5")
async def test_the_queue_is_told_when_it_changes_and_after_following(alice: Client, connect: Connect) -> None:
    chat_id = await start(alice)
    await alice.ask("chat.pause", chat_id=chat_id)
    for text in ("first", "second"):
        await alice.ask("user.input.submit", chat_id=chat_id, text=text)
    is_queue = lambda size: lambda frame: frame["type"] == "chat.queue" and len(frame["queue"]) == size  # noqa: E731
    full = await alice.until(is_queue(2))
    assert [queued["text"] for queued in full["queue"]] == ["first", "second"]
    assert all(set(queued) == {"queued_id", "text", "created_at"} for queued in full["queue"])
    other = await connect("alice")
    assert (await other.until(is_queue(2)))["queue"] == full["queue"]
    await alice.ask("chat.resume", chat_id=chat_id)
    await alice.until(is_queue(0))
    late = await connect("alice")
    # an empty queue too: this client may have held the full one
    assert (await late.until(lambda frame: frame["type"] == "chat.queue"))["queue"] == []


@pytest.mark.requirement("law 3")
async def test_a_deleted_chat_leaves_every_tab(connect: Connect) -> None:
    one, two = await connect("alice"), await connect("alice")
    chat_id = await start(one, "Interview")
    await two.ask("chat.open", chat_id=chat_id)
    await one.ask("chat.delete", chat_id=chat_id)
    for client in (one, two):
        await client.until(lambda frame: frame.get("removed") == chat_id)
    await database(ChatSession.objects.filter(pk=chat_id).update, last_seq=F("last_seq"))
    assert (await two.refused("chat.open", chat_id=chat_id))["code"] == "NOT_FOUND"


@pytest.mark.requirement("law 1", "C16")
async def test_a_database_that_is_away_for_a_moment_silences_no_doorbell(
    alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat_id = await start(alice)
    await alice.drain(0.2)
    log = ports.log()
    summaries, failures = log.summaries, iter([True, True])

    def away(*args: Any) -> Any:
        if next(failures, False):
            raise OperationalError("away")
        return summaries(*args)

    monkeypatch.setattr(log, "summaries", away)
    await alice.ask("chat.pause", chat_id=chat_id)
    await alice.ask("user.input.submit", chat_id=chat_id, text="Later")
    await alice.event("chat.paused", chat_id, within=4.5)  # before the poller would look
    queue = await alice.until(lambda frame: frame["type"] == "chat.queue", within=2)
    assert [queued["text"] for queued in queue["queue"]] == ["Later"]
