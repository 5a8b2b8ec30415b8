"""Following and recovery (PROTOCOL section 5): whatever is lost on the way, the client ends with exactly the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from mozaiks.accounts.principal import Principal
from mozaiks.db import txn
from mozaiks.protocol.digest import first_digest, next_digest
from sessions_app import services
from sessions_app.models import ChatSession, LoggedEvent
from tests.harness.client import Client

from .scene import (
    Connect,
    database,
    filled,
    replayed,
    said,
    seqs,
    start,
)


@pytest.mark.requirement("law 3", "PROTOCOL 5")
async def test_an_exact_cursor_is_answered_by_exactly_what_was_missed(alice: Client, principal: Principal) -> None:
    chat = await database(filled, principal, 10)
    frames = await replayed(alice, chat, seq=7)
    assert [frame["type"] for frame in frames] == ["replay.begin", *["chat.text"] * 3, "replay.end"]
    assert (frames[0]["from"], frames[0]["to"], seqs(frames)) == (8, 10, [8, 9, 10])
    assert all(frame["replay"] is True for frame in frames[1:-1])
    stored = await database(lambda: list(LoggedEvent.objects.filter(chat=chat).order_by("seq")))
    digest = first_digest(chat.epoch)
    for event in stored:
        digest = next_digest(digest, event.event_id)
        assert event.digest == digest
    assert frames[0]["prev_digest"] == stored[6].digest
    assert (frames[-1]["seq"], frames[-1]["digest"]) == (10, digest)


@pytest.mark.requirement("law 3", "PROTOCOL 5")
async def test_a_cursor_at_the_head_is_answered_by_nothing(alice: Client, principal: Principal) -> None:
    chat = await database(filled, principal, 3)
    frames = await replayed(alice, chat, seq=3, epoch=str(chat.epoch))
    assert [frame["type"] for frame in frames] == ["replay.begin", "replay.end"]
    assert (frames[0]["from"], frames[0]["to"]) == (4, 3)
    assert frames[0]["prev_digest"] == frames[1]["digest"]


@pytest.mark.requirement("law 2", "PROTOCOL 5")
async def test_long_logs_come_whole_from_a_cursor_and_by_their_end_without(alice: Client, principal: Principal) -> None:
    chat = await database(filled, principal, 450)
    last = await replayed(alice, chat)
    assert (last[0]["from"], last[0]["to"], seqs(last)) == (251, 450, list(range(251, 451)))
    assert seqs(await replayed(alice, chat, seq=0)) == list(range(1, 451))


@pytest.mark.requirement("law 3", "PROTOCOL 5")
async def test_a_cursor_that_cannot_be_answered_is_a_gap_with_its_reason(alice: Client, principal: Principal) -> None:
    chat = await database(filled, principal, 8)
    cut = await database(filled, principal, 8)
    await database(ChatSession.objects.filter(pk=cut.pk).update, min_seq=5)
    for which, cursor, reason in (
        (chat, {"seq": 2, "epoch": str(uuid4())}, "epoch"),
        (chat, {"seq": 9}, "ahead"),
        (chat, {"seq": -1}, "invalid"),
        (cut, {"seq": 3}, "expired"),
    ):
        frames = await replayed(alice, which, **cursor)
        gap, first = frames[0], 5 if which is cut else 1
        assert (gap["type"], gap["reason"]) == ("replay.gap", reason)
        assert (gap["epoch"], gap["min_seq"], gap["last_seq"]) == (str(which.epoch), first, 8)
        assert seqs(frames) == list(range(first, 9))
    assert seqs(await replayed(alice, cut, seq=4)) == [5, 6, 7, 8]
    broken = await alice.refused("chat.open", chat_id=str(chat.pk), cursor={"seq": "x"})
    assert broken["code"] == "SCHEMA_VALIDATION_FAILED"


@pytest.mark.requirement("A40", "PROTOCOL 5")
async def test_several_chats_come_back_interleaved_as_they_were_stored(
    connect: Connect, people: dict[str, Principal]
) -> None:
    def talk() -> list[ChatSession]:
        kinds = ChatSession.Kind.WORKFLOW, ChatSession.Kind.WORKFLOW, ChatSession.Kind.WORKFLOW
        chats = [services.create_chat(principal=people["alice"], kind=kind) for kind in kinds]
        for number in range(230):
            services.emit(chats[(number * number) % 3], said(str(number)))
        return chats

    chats = [chat for chat in await database(talk) if chat.last_seq]
    client = await connect("alice", hello=False)
    await client.hello(cursors={str(chat.pk): {"seq": 0} for chat in chats})
    ends = 0
    while ends < len(chats):
        ends += (await client.next())["type"] == "replay.end"
    contents = [int(frame["data"]["content"]) for frame in client.frames if "event_id" in frame]
    assert contents == list(range(230))
    kinds = [frame["type"] for frame in client.frames]
    assert max(i for i, kind in enumerate(kinds) if kind == "replay.begin") < kinds.index("chat.text")


@pytest.mark.requirement("A40", "PROTOCOL 5")
async def test_hello_without_cursors_follows_the_active_and_the_general_chat(alice: Client, connect: Connect) -> None:
    general = (await alice.ask("chat.start_general_chat"))["general_chat_id"]
    active, other = await start(alice), await start(alice, activate=False)
    again = await connect("alice")
    await again.drain()
    assert set(again.chats) == {active, general}
    assert other not in again.chats


@pytest.mark.requirement("law 8", "PROTOCOL 5")
async def test_an_older_open_question_comes_again_after_the_replay(alice: Client, connect: Connect) -> None:
    chat_id = await start(alice, "Interview")
    asked = alice.chats[chat_id].of("chat.input_request")[0]

    def go_on() -> None:
        services.emit(ChatSession.objects.get(pk=chat_id), said("one"), said("two"))

    await database(go_on)
    other = await connect("alice", hello=False)
    await other.hello(cursors={chat_id: {"seq": asked["seq"] + 1}})
    await other.drain()
    kinds = [frame["type"] for frame in other.frames]
    again = other.frames[kinds.index("replay.end") + 1]
    assert again == {**asked, "replay": True}
    newer = await connect("alice", hello=False)
    await newer.hello(cursors={chat_id: {"seq": 0}})
    await newer.drain()
    assert [frame["type"] for frame in newer.frames].count("chat.input_request") == 1


@pytest.mark.requirement("law 1", "PROTOCOL 5")
@pytest.mark.usefixtures("slow")
async def test_who_joins_in_the_middle_of_a_message_has_the_text_so_far_and_then_the_rest(
    alice: Client, connect: Connect
) -> None:
    started = await alice.ask("chat.start_workflow", workflow_name="Helper", message="Tell me about the sea")
    chat_id = started["chat_id"]
    for _ in range(4):
        await alice.event("chat.delta", chat_id)
    joiner = await connect("alice", hello=False)
    await joiner.hello(cursors={chat_id: {"seq": alice.chats[chat_id].seq}})
    await joiner.settle(chat_id)
    frames = [frame for frame in joiner.frames if frame.get("chat_id") == chat_id]
    kinds = [frame["type"] for frame in frames]
    deltas = [frame for frame in frames if frame["type"] == "chat.delta"]
    assert kinds.index("replay.end") < kinds.index("chat.delta") < kinds.index("chat.text")
    assert deltas[0]["offset"] == 0
    assert len(deltas[0]["text"].split()) > 2
    held = ""
    for delta in deltas:
        assert (delta["offset"], delta["attempt"]) == (len(held), 1)
        held += delta["text"]
    final = joiner.chats[chat_id].of("chat.text")[-1]
    assert held == final["data"]["content"]
    assert deltas[0]["message_id"] == final["data"]["message_id"]


@pytest.mark.requirement("law 3", "law 5", "PROTOCOL 5")
@pytest.mark.usefixtures("slow")
async def test_a_reconnect_in_the_middle_loses_and_doubles_nothing(alice: Client, connect: Connect) -> None:
    started = await alice.ask("chat.start_workflow", workflow_name="Chain", message="Tell me about the sea")
    chat_id = started["chat_id"]
    for _ in range(2):  # the user's message and the first agent's
        await alice.event("chat.text", chat_id)
    await alice.event("chat.delta", chat_id)
    known = alice.chats
    for _ in range(3):
        again = await connect("alice", hello=False)
        again.chats = known
        await again.hello(resume=True)
        await again.event("chat.delta", chat_id)
    await again.settle(chat_id)
    whole = await connect("alice", hello=False)
    await whole.hello(cursors={chat_id: {"seq": 0}})
    await whole.event("replay.end", chat_id)
    assert [event["event_id"] for event in known[chat_id].events] == [
        event["event_id"] for event in whole.chats[chat_id].events
    ]


@pytest.mark.requirement("A2", "law 1", "law 11")
@pytest.mark.usefixtures("slow")
async def test_two_tabs_see_the_same_and_another_user_nothing(connect: Connect) -> None:
    one, two, bob = await connect("alice"), await connect("alice"), await connect("bob")
    started = await one.ask("chat.start_workflow", workflow_name="Helper", message="Hello there")
    chat_id = started["chat_id"]
    await two.ask("chat.open", chat_id=chat_id)
    await one.settle(chat_id)
    await two.settle(chat_id)
    strip = lambda client: [{**event, "replay": None} for event in client.chats[chat_id].events]  # noqa: E731
    assert strip(one) == strip(two)
    await bob.drain(0.3)
    assert [frame["type"] for frame in bob.frames] == ["result"]


@pytest.mark.requirement("law 3")
async def test_opening_again_and_closing_in_the_middle_of_a_replay(alice: Client, principal: Principal) -> None:
    chat = await database(filled, principal, 600)
    chat_id = str(chat.pk)
    await alice.send("chat.open", chat_id=chat_id, cursor={"seq": 0})
    await alice.until(lambda frame: frame.get("seq") == 50)
    last = await alice.send("chat.open", chat_id=chat_id, cursor={"seq": 590})
    await alice.until(lambda frame: frame.get("re") == last)
    after = len(alice.frames)
    end = await alice.until(lambda frame: frame["type"] == "replay.end")
    assert end["seq"] == 600
    begins = [frame for frame in alice.frames[after:] if frame["type"] == "replay.begin"]
    assert [frame["from"] for frame in begins] == [591]
    assert seqs(alice.frames)[-10:] == list(range(591, 601))
    alice.chats.clear()
    await alice.send("chat.open", chat_id=chat_id, cursor={"seq": 0})
    await alice.until(lambda frame: frame.get("seq") == 50)
    await alice.ask("chat.close", chat_id=chat_id)
    closed = len(alice.frames)
    await alice.drain()
    assert len(seqs(alice.frames[closed:])) <= 1  # one may be on its way


@pytest.mark.requirement("law 3", "PROTOCOL 5")
async def test_a_rewritten_log_is_told_to_who_follows_it_as_a_gap(alice: Client, principal: Principal) -> None:
    chat = await database(filled, principal, 5)
    await replayed(alice, chat, seq=0)

    def rewrite() -> UUID:
        epoch = uuid4()
        digest = first_digest(epoch)
        with txn():
            for event in LoggedEvent.objects.filter(chat=chat).order_by("seq"):
                digest = next_digest(digest, event.event_id)
                LoggedEvent.objects.filter(pk=event.pk).update(digest=digest)
            ChatSession.objects.filter(pk=chat.pk).update(epoch=epoch, digest=digest)
            services.emit(ChatSession.objects.get(pk=chat.pk), said("after"))
        return epoch

    epoch = await database(rewrite)
    gap = await alice.until(lambda frame: frame["type"] == "replay.gap")
    assert (gap["reason"], gap["epoch"]) == ("epoch", str(epoch))
    end = await alice.until(lambda frame: frame["type"] == "replay.end")
    assert end["seq"] == 6
    assert alice.chats[str(chat.pk)].epoch == str(epoch)


@pytest.mark.requirement("PROTOCOL 7")
async def test_a_socket_follows_so_many_chats_and_says_so(
    connect: Connect, principal: Principal, limits: Callable[..., None]
) -> None:
    limits(followed_chats=2)
    alice = await connect("alice")
    chats = [await database(filled, principal, 1) for _ in range(3)]
    for chat in chats[:2]:
        await replayed(alice, chat)
    assert (await alice.refused("chat.open", chat_id=str(chats[2].pk)))["code"] == "RATE_LIMITED"
    await replayed(alice, chats[1])  # one that is followed may be opened again
    await alice.ask("chat.close", chat_id=str(chats[0].pk))
    await replayed(alice, chats[2])


@pytest.mark.requirement("law 2")
async def test_events_that_come_during_a_replay_are_neither_lost_nor_doubled(
    alice: Client, principal: Principal
) -> None:
    chat = await database(filled, principal, 400)

    def more() -> None:
        for number in range(40):
            services.emit(chat, said(f"live {number}"))

    writing = asyncio.ensure_future(database(more))
    await alice.ask("chat.open", chat_id=str(chat.pk), cursor={"seq": 0})
    await writing
    await alice.until(lambda frame: frame.get("seq") == 440)
    assert seqs(alice.frames) == list(range(1, 441))
    live = [frame for frame in alice.frames if "event_id" in frame and "replay" not in frame]
    end = next(frame for frame in alice.frames if frame["type"] == "replay.end")
    assert seqs(live) == list(range(end["seq"] + 1, 441))
