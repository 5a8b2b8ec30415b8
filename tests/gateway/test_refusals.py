"""What a command refuses, and what the state of a chat makes of it (PROTOCOL sections 2 and 7)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from sessions_app.models import ChatSession, QueuedMessage
from tests.harness.client import Client
from workflows_app.models import InputRequest, Run

from .scene import (
    Connect,
    World,
    database,
    everything,
    start,
)


@pytest.mark.requirement("B65", "PROTOCOL 2")
async def test_switch_without_a_chat_takes_the_oldest_in_progress_or_none(alice: Client) -> None:
    switched = await alice.ask("chat.switch_workflow")
    assert switched == {"from_chat_id": None, "to_chat_id": None, "workflow_name": None, "artifact_id": None}
    first, second = await start(alice, message=None), await start(alice, message=None)
    assert (await alice.ask("chat.switch_workflow"))["to_chat_id"] == first
    await alice.ask("chat.complete", chat_id=first)
    assert (await alice.ask("chat.switch_workflow"))["to_chat_id"] == second
    # a completed chat can be switched to and read
    assert (await alice.ask("chat.switch_workflow", chat_id=first))["from_chat_id"] == second


@pytest.mark.requirement("PROTOCOL 2")
async def test_a_refused_switch_changes_nothing(world: World) -> None:
    await world.make("general", "helper", "foreign")
    await world.alice.ask("chat.enter_general_mode")
    before = await database(everything)
    for target in (world.general, world.foreign["chat"], str(uuid4())):
        assert (await world.alice.refused("chat.switch_workflow", chat_id=target))["code"] == "NOT_FOUND"
    after = await database(everything)
    assert after == before


@pytest.mark.requirement("A33", "A34", "PROTOCOL 7")
async def test_a_start_is_refused_with_its_reason(alice: Client, limits: Callable[..., None]) -> None:
    unknown = await alice.refused("chat.start_workflow", workflow_name="Nobody")
    assert unknown["code"] == "WORKFLOW_NOT_FOUND"
    locked = await alice.refused("chat.start_workflow", workflow_name="TripPlanner", message="Lisbon")
    assert locked["code"] == "WORKFLOW_PREREQS_NOT_MET"
    assert "Budget" in locked["message"]
    limits(unfinished_runs_per_user=1)
    await start(alice, "Interview")
    full = await alice.refused("chat.start_workflow", workflow_name="Helper", message="Hi", id="later")
    assert (full["code"], full["retryable"]) == ("RATE_LIMITED", True)
    assert (await alice.ask("command.status", command_id="later")) == {"status": "unknown"}
    limits(unfinished_runs_per_user=5)
    later = await alice.ask("chat.start_workflow", workflow_name="Helper", message="Hi", id="later")
    await alice.settle(later["chat_id"])
    limits(tokens_per_user_day=1)
    assert (await alice.refused("chat.start_workflow", workflow_name="Helper"))["code"] == "BUDGET_EXCEEDED"
    assert await database(ChatSession.objects.count) == 2


@pytest.mark.requirement("B49", "PROTOCOL 2")
async def test_a_start_without_a_message_waits_for_the_first_one(alice: Client) -> None:
    started = await alice.ask("chat.start_workflow", workflow_name="Helper", activate=False)
    assert started["run_id"] is None
    assert (await alice.ask("session.list"))["active_chat_id"] is None
    said = await alice.ask("user.input.submit", chat_id=started["chat_id"], text="Now")
    assert said["status"] == "accepted"
    await alice.settle(started["chat_id"])
    run = alice.chats[started["chat_id"]].of("chat.run_start")[0]
    assert (run["data"]["run_id"], run["data"]["cause"]) == (said["run_id"], "start")


@pytest.mark.requirement("PROTOCOL 2")
async def test_a_message_goes_to_the_chat_in_front(alice: Client) -> None:
    nowhere = await alice.refused("user.input.submit", text="Hello?")
    assert nowhere["code"] == "NOT_FOUND"
    helper = await start(alice, message=None)
    assert (await alice.ask("user.input.submit", text="To the workflow"))["chat_id"] == helper
    await alice.settle(helper)
    general = (await alice.ask("chat.enter_general_mode"))["general_chat_id"]
    assert (await alice.ask("user.input.submit", text="To Ask"))["chat_id"] == general
    await alice.ask("chat.switch_workflow", chat_id=helper)
    assert (await alice.ask("user.input.submit", text="Back"))["chat_id"] == helper


@pytest.mark.requirement("PROTOCOL 2", "PROTOCOL 7")
async def test_a_message_that_cannot_be_taken_is_refused(world: World, limits: Callable[..., None]) -> None:
    await world.make("general", "helper")
    alice = world.alice
    for text in ("", "   \n"):
        error = await alice.refused("user.input.submit", chat_id=world.helper, text=text)
        assert error["code"] == "SCHEMA_VALIDATION_FAILED"
        assert "text" in error["message"]
    limits(queued_messages=1)
    await alice.ask("chat.pause", chat_id=world.helper)
    queued = await alice.ask("user.input.submit", chat_id=world.helper, text="Later")
    assert set(queued) == {"chat_id", "status", "queued_id"}
    assert (await alice.refused("user.input.submit", chat_id=world.helper, text="Too much"))["code"] == "CONFLICT"
    busy = await alice.refused("user.input.submit", chat_id=world.helper, text="Now", on_busy="reject")
    assert (busy["code"], busy["retryable"]) == ("CHAT_BUSY", True)
    await alice.ask("chat.complete", chat_id=world.helper)
    for name, more in (("user.input.submit", {"text": "Hi"}), ("chat.pause", {}), ("chat.resume", {}),
                       ("chat.retry", {}), ("chat.complete", {})):  # fmt: skip
        assert (await alice.refused(name, chat_id=world.helper, **more))["code"] == "CHAT_CLOSED", name
    limits(tokens_per_user_day=1)
    spent = await alice.refused("user.input.submit", chat_id=world.general, text="Hi")
    assert spent["code"] == "BUDGET_EXCEEDED"


@pytest.mark.requirement("D2", "PROTOCOL 2")
async def test_completing_a_chat_ends_its_run_and_its_queue(world: World) -> None:
    await world.make("asking")
    alice, chat_id = world.alice, world.asking
    await alice.ask("chat.pause", chat_id=chat_id)
    await alice.ask("user.input.submit", chat_id=chat_id, text="Ada")
    assert (await alice.ask("user.input.submit", chat_id=chat_id, text="Later"))["status"] == "queued"
    await alice.ask("chat.complete", chat_id=chat_id)
    await alice.event("chat.status", chat_id)
    log = alice.chats[chat_id]
    assert [event["data"]["status"] for event in log.of("chat.run_complete")] == ["cancelled"]
    assert len(log.of("chat.run_start")) == 1
    await alice.drain(0.3)
    assert not await database(Run.objects.filter(chat=UUID(chat_id), status__in=Run.UNFINISHED).exists)
    assert not await database(QueuedMessage.objects.filter(chat=UUID(chat_id)).exists)
    chat = await database(ChatSession.objects.get, pk=chat_id)
    assert (chat.status, chat.run_state) == ("COMPLETED", "idle")


@pytest.mark.requirement("law 8", "PROTOCOL 2", "PROTOCOL 7")
async def test_a_question_is_answered_once(world: World) -> None:
    await world.make("asking")
    alice, request = world.alice, world.request
    wrong = await alice.refused("ui_tool_response", input_request_id=request, response={"approved": True})
    assert wrong["code"] == "SCHEMA_VALIDATION_FAILED"
    assert "response" in wrong["message"]
    first = await alice.ask("ui_tool_response", input_request_id=request, response={"text": "Ada"})
    second = await alice.ask("ui_tool_response", input_request_id=request, response={"text": "Bob"})
    assert (second["already"], second["response"]) == (True, first["response"])
    as_text = await alice.ask("user.input.submit", text="Eve", input_request_id=request, chat_id=world.asking)
    assert as_text["status"] == "answered"
    await alice.settle(world.asking)
    assert len(alice.chats[world.asking].of("chat.input_resolved")) == 1


@pytest.mark.requirement("law 8", "PROTOCOL 7")
async def test_a_question_that_is_over_says_so(world: World) -> None:
    await world.make("asking")
    alice = world.alice
    one = InputRequest.objects.filter(pk=world.request)
    await database(one.update, expires_at=timezone.now())
    late = await alice.refused("ui_tool_response", input_request_id=world.request, response={"text": "Ada"})
    assert late["code"] == "INPUT_EXPIRED"
    await database(one.update, expires_at=None)
    run = await database(Run.objects.get, chat_id=world.asking)
    assert (await alice.ask("chat.stop", chat_id=world.asking, run_id=str(run.pk))) == {"stopped": True}
    gone = await alice.refused("ui_tool_response", input_request_id=world.request, response={"text": "Ada"})
    assert gone["code"] == "INPUT_ALREADY_RESOLVED"


@pytest.mark.requirement("PROTOCOL 2")
async def test_a_plain_message_answers_the_one_open_question(world: World) -> None:
    await world.make("asking")
    said = await world.alice.ask("user.input.submit", chat_id=world.asking, text="Ada")
    assert said["status"] == "answered"
    resolved = await world.alice.event("chat.input_resolved", world.asking)
    assert (resolved["seq"], resolved["data"]["response"]) == (said["seq"], {"text": "Ada"})
    assert await world.alice.settle(world.asking) == "chat.run_complete"


@pytest.mark.requirement("PROTOCOL 7")
async def test_what_does_not_fit_the_chats_state_is_a_conflict(world: World) -> None:
    await world.make("general", "helper", "failed")
    alice = world.alice
    assert (await alice.refused("chat.retry", chat_id=world.helper))["code"] == "CONFLICT"
    assert (await alice.refused("chat.pause", chat_id=world.failed))["code"] == "CONFLICT"
    assert (await alice.refused("chat.resume", chat_id=world.failed))["code"] == "CONFLICT"
    assert (await alice.refused("chat.complete", chat_id=world.general))["code"] == "CONFLICT"
    for name, more in (("chat.queue.remove", {}), ("chat.queue.update", {"text": "x"})):
        gone = await alice.refused(name, chat_id=world.helper, queued_id=str(uuid4()), **more)
        assert gone["code"] == "NOT_FOUND"
    blank = await alice.refused("chat.queue.update", chat_id=world.helper, queued_id=str(uuid4()), text=" ")
    assert blank["code"] == "SCHEMA_VALIDATION_FAILED"
    twice = await alice.refused("tab.reorder", chat_ids=[world.helper, world.helper])
    assert twice["code"] == "SCHEMA_VALIDATION_FAILED"
    stopped = await alice.ask("chat.stop", chat_id=world.helper, run_id=str(uuid4()))
    assert stopped == {"stopped": False}


@pytest.mark.requirement("law 4")
async def test_a_final_refusal_is_kept_and_takes_back_what_was_written(alice: Client, connect: Connect) -> None:
    refused = await alice.result("chat.start_workflow", workflow_name="TripPlanner", id="locked")
    assert not refused["ok"]
    again = await (await connect("alice")).result("chat.start_workflow", workflow_name="TripPlanner", id="locked")
    assert (again["error"], again["duplicate"]) == (refused["error"], True)
    status = await alice.ask("command.status", command_id="locked")
    assert (status["status"], status["result"]["code"]) == ("refused", "WORKFLOW_PREREQS_NOT_MET")
    assert not await database(ChatSession.objects.exists)


@pytest.mark.requirement("law 4", "law 11")
async def test_ids_are_each_users_own(alice: Client, connect: Connect) -> None:
    bob = await connect("bob")
    mine = await alice.ask("chat.start_workflow", workflow_name="Helper", id="same")
    theirs = await bob.ask("chat.start_workflow", workflow_name="Helper", title="x", id="same")
    assert mine["chat_id"] != theirs["chat_id"]


@pytest.mark.requirement("law 4")
async def test_the_same_command_on_many_sockets_at_once_counts_once(connect: Connect) -> None:
    sockets = [await connect("alice") for _ in range(6)]
    for socket in sockets:
        await socket.send("chat.start_workflow", workflow_name="Helper", message="Once", id="race")
    results = [await one.until(lambda frame: frame.get("re") == "race") for one in sockets]
    assert len({result["data"]["chat_id"] for result in results}) == 1
    assert sorted(result["duplicate"] for result in results) == [False] + [True] * 5
    assert await database(ChatSession.objects.count) == 1
