"""General mode: it pauses every workflow, gives each back as it was, and tells no workflow a word (A15, law 10)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from sessions_app.models import ChatSession, LoggedEvent
from tests.harness.client import Client
from tests.model_server import ModelServer, Reply
from workflows_app import facts

from .scene import (
    SEA,
    Connect,
    calls,
    database,
    open_request,
    start,
    streaming,
    tab,
)


@pytest.mark.requirement("A5", "A6", "A7", "A15", "A52")
async def test_no_further_step_starts_until_the_user_comes_back(alice: Client, slow: Callable[[], None]) -> None:
    chat_id, _ = await streaming(alice)
    entered = await alice.ask("chat.enter_general_mode")
    assert entered["paused"] == [chat_id]
    assert (await tab(alice, chat_id))["run_state"] == "pausing"
    paused = await alice.event("chat.paused", chat_id)
    assert paused["data"] == {"reason": "general_mode"}
    slow()
    assert await database(calls, chat_id) == 1
    asked = await alice.ask("user.input.submit", text="What runs?")
    assert await alice.settle(asked["chat_id"]) == "chat.run_complete"
    assert alice.chats[asked["chat_id"]].of("chat.text")[-1]["source"] == "general_agent"
    assert await database(calls, chat_id) == 1
    await alice.ask("chat.switch_workflow", chat_id=chat_id)
    await alice.event("chat.run_complete", chat_id)
    log = alice.chats[chat_id]
    assert [event["data"]["agent"] for event in log.of("chat.text")[1:]] == ["one", "two", "three"]
    assert await database(calls, chat_id) == 3  # what was finished is not made again
    assert [len(log.of(name)) for name in ("chat.run_start", "chat.run_complete", "chat.paused", "chat.resumed")] == [
        1, 1, 1, 1,
    ]  # fmt: skip


@pytest.mark.requirement("A15", "law 8")
async def test_a_waiting_run_is_paused_too_and_its_answer_waits_with_it(alice: Client) -> None:
    chat_id = await start(alice, "Interview")
    request = open_request(alice, chat_id)
    assert (await alice.ask("chat.enter_general_mode"))["paused"] == [chat_id]
    await alice.event("chat.paused", chat_id)
    await alice.answer(request, {"text": "Ada"})
    await alice.drain(0.5)
    assert ((await tab(alice, chat_id))["run_state"], await database(calls, chat_id)) == ("paused", 0)
    await alice.ask("chat.switch_workflow", chat_id=chat_id)
    await alice.event("chat.run_complete", chat_id)
    assert await database(calls, chat_id) == 1


@pytest.mark.requirement("A15")
async def test_a_question_that_nobody_answered_waits_again_on_return(alice: Client) -> None:
    chat_id = await start(alice, "Interview")
    await alice.ask("chat.enter_general_mode")
    await alice.ask("chat.switch_workflow")
    await alice.event("chat.resumed", chat_id)
    await alice.drain(0.2)
    assert (await tab(alice, chat_id))["run_state"] == "waiting"
    await alice.answer(open_request(alice, chat_id), {"text": "Ada"})
    assert await alice.settle(chat_id) == "chat.run_complete"


@pytest.mark.requirement("A15", "PROTOCOL 2")
async def test_what_starts_in_general_mode_stops_at_once_and_one_resume_lets_that_one_on(alice: Client) -> None:
    await alice.ask("chat.enter_general_mode")
    first, second = [await start(alice, message="Hi", activate=False) for _ in range(2)]
    for chat_id in (first, second):
        assert alice.chats[chat_id].of("chat.paused")[0]["data"] == {"reason": "general_mode"}
        assert await database(calls, chat_id) == 0
    await alice.ask("chat.resume", chat_id=first)
    assert await alice.settle(first) == "chat.run_complete"
    await alice.drain(0.3)
    assert (await tab(alice, second))["run_state"] == "paused"
    state = await alice.ask("session.list")
    assert state["mode"] == "general"
    await alice.ask("chat.switch_workflow", chat_id=first)
    assert await alice.settle(second) == "chat.run_complete"


@pytest.mark.requirement("A15", "PROTOCOL 2")
async def test_what_the_user_paused_stays_paused(alice: Client) -> None:
    mine, other = await start(alice, "Interview"), await start(alice, "Interview")
    await alice.ask("chat.pause", chat_id=mine)
    assert (await alice.ask("chat.enter_general_mode"))["paused"] == [other]
    await alice.ask("chat.switch_workflow", chat_id=mine)
    await alice.event("chat.resumed", other)
    assert (await tab(alice, mine))["pause_reason"] == "user"
    assert (await tab(alice, mine))["run_state"] == "paused"
    assert (await alice.ask("chat.resume", chat_id=mine)) == {"run_state": "waiting"}


@pytest.mark.requirement("A15")
async def test_the_user_may_pause_what_general_mode_had_paused(alice: Client) -> None:
    chat_id = await start(alice, "Interview")
    await alice.ask("chat.enter_general_mode")
    await alice.ask("chat.pause", chat_id=chat_id)
    await alice.ask("chat.switch_workflow", chat_id=chat_id)
    await alice.drain(0.3)
    assert (await tab(alice, chat_id))["run_state"] == "paused"
    assert [event["data"]["reason"] for event in alice.chats[chat_id].of("chat.paused")] == ["general_mode", "user"]


@pytest.mark.requirement("A15")
async def test_coming_back_before_the_safe_point_takes_the_pause_back(alice: Client, slow: Callable[[], None]) -> None:
    chat_id, _ = await streaming(alice)
    await alice.ask("chat.enter_general_mode")
    await alice.ask("chat.switch_workflow", chat_id=chat_id)
    slow()
    assert await alice.settle(chat_id) == "chat.run_complete"
    assert not alice.chats[chat_id].of("chat.paused", "chat.resumed")


@pytest.mark.requirement("A15", "law 8")
async def test_a_question_asked_while_the_pause_was_wanted_is_paused(connect: Connect, models: ModelServer) -> None:
    """A turn that ends in a question for approval does not slip by the pause, and waits when the user is back."""
    models.script([Reply(tool_calls=[("book", {"place": "Oslo", "nights": 2})], delay=0.6, match="Go there")])
    alice = await connect("alice")
    await start(alice, "Budgeter", message="900 euros")
    started = await alice.ask("chat.start_workflow", workflow_name="TripPlanner", message="Go there")
    chat_id = started["chat_id"]
    await alice.settle(chat_id)
    dates = {"first_day": "2027-05-01", "last_day": "2027-05-03", "travellers": 1}
    await alice.answer(open_request(alice, chat_id), dates)
    await alice.event("chat.select_speaker", chat_id)
    await alice.ask("chat.enter_general_mode")
    await alice.event("chat.paused", chat_id)
    await alice.drain(0.3)
    assert (await tab(alice, chat_id))["run_state"] == "paused"
    await alice.ask("chat.switch_workflow", chat_id=chat_id)
    await alice.event("chat.resumed", chat_id)
    if open_request(alice, chat_id)["data"]["kind"] != "approval":
        await alice.event("chat.input_request", chat_id)
    await alice.drain(0.2)
    assert (await tab(alice, chat_id))["run_state"] == "waiting"
    assert len(alice.chats[chat_id].of("chat.tool_call")) == 1


# Law 10

CANARY = "heliotrope-7731"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


async def workflow_bodies(client: Client, models: ModelServer, *, ask: bool) -> list[str]:
    """The raw bodies of a workflow's later model calls, with a general chat before them or without one."""
    chat_id = await start(client, "Chain", message=SEA)
    if ask:
        await client.ask("chat.enter_general_mode")
        asked = await client.ask("user.input.submit", text=f"Remember the word {CANARY}. What is open?")
        await client.settle(asked["chat_id"])
        await client.ask("chat.switch_workflow", chat_id=chat_id)
    already = len(models.calls)
    said = await client.ask("user.input.submit", chat_id=chat_id, text="And the mountains?")
    assert said["status"] == "accepted"
    assert await client.settle(chat_id) == "chat.run_complete"
    return [UUID.sub("<id>", json.dumps(body, sort_keys=True)) for body in models.calls[already:]]


@pytest.mark.requirement("A18", "A32", "A42", "law 10")
async def test_no_byte_of_a_general_chat_reaches_a_workflow(connect: Connect, models: ModelServer) -> None:
    without = await workflow_bodies(await connect("alice"), models, ask=False)
    within = await workflow_bodies(await connect("bob"), models, ask=True)
    assert len(without) == 3
    assert within == without
    assert not any(CANARY in body for body in within)
    assert any(CANARY in json.dumps(body) for body in models.calls)  # Ask itself was told


@pytest.mark.requirement("law 10")
async def test_a_planted_leak_is_seen_by_the_same_comparison(
    connect: Connect, models: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose = facts.compose_input

    def leaky(chat: ChatSession, *args: Any) -> str:
        general = LoggedEvent.objects.filter(chat__owner=chat.owner_id, chat__kind="general", type="chat.text")
        return compose(chat, *args) + "".join(event.payload["content"] for event in general)

    monkeypatch.setattr(facts, "compose_input", leaky)
    without = await workflow_bodies(await connect("alice"), models, ask=False)
    within = await workflow_bodies(await connect("bob"), models, ask=True)
    assert within != without
    assert any(CANARY in body for body in within)


@pytest.mark.requirement("A8", "PROTOCOL 3")
async def test_every_tab_is_told_once_of_the_mode_and_the_chat_in_front(connect: Connect) -> None:
    one, two = await connect("alice"), await connect("alice")
    chat_id = await start(one)
    entered = await one.ask("chat.enter_general_mode")
    await one.ask("chat.switch_workflow", chat_id=chat_id)
    state = await one.ask("session.list")
    for client in (one, two):
        await client.drain(0.3)
        told = [frame for frame in client.frames if frame["type"] in ("chat.mode_changed", "chat.context_switched")]
        assert [frame["type"] for frame in told] == ["chat.context_switched", "chat.mode_changed", "chat.mode_changed"]
        switched, general, back = told
        assert (switched["from_chat_id"], switched["to_chat_id"]) == (None, chat_id)
        assert switched["workflow_name"] == "Helper"
        fields = ("general_chat_id", "general_chat_label", "general_chat_sequence")
        assert [general[name] for name in fields] == [entered[name] for name in fields]
        assert (general["mode"], back["mode"], back["active_chat_id"]) == ("general", "workflow", chat_id)
        assert switched["session_version"] < general["session_version"] < back["session_version"]
        assert back["session_version"] <= state["session_version"]
