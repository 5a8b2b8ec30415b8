"""Pausing, stopping, retrying, queueing, spending: what becomes of a run while people come and go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from sessions_app.models import ModelCall, QueuedMessage
from tests.harness.client import Client
from tests.model_server import ModelServer, Reply
from workflows_app.models import Run, ToolAttempt

from .scene import (
    SEA,
    Connect,
    calls,
    database,
    start,
    streaming,
    tab,
)


@pytest.mark.requirement("A11", "A12", "A52", "law 7")
async def test_a_pause_stops_at_the_step_and_a_resume_goes_on_from_there(
    alice: Client, slow: Callable[[], None]
) -> None:
    chat_id, _ = await streaming(alice)
    assert await alice.ask("chat.pause", chat_id=chat_id) == {"run_state": "pausing"}
    assert (await alice.event("chat.paused", chat_id))["data"] == {"reason": "user"}
    slow()
    assert [who for who, _ in alice.chats[chat_id].texts()] == ["user", "one"]
    await alice.drain(0.4)
    assert await database(calls, chat_id) == 1
    assert await alice.ask("chat.resume", chat_id=chat_id) == {"run_state": "queued"}
    assert await alice.settle(chat_id) == "chat.run_complete"
    assert [who for who, _ in alice.chats[chat_id].texts()] == ["user", "one", "two", "three"]
    assert await database(calls, chat_id) == 3


@pytest.mark.requirement("A11", "law 7")
async def test_a_pause_asked_during_the_model_call_comes_before_the_tools_effect(
    connect: Connect, models: ModelServer
) -> None:
    models.script([Reply(tool_calls=[("launch", {"name": "Aurora"})], delay=0.5)])
    alice = await connect("alice")
    started = await alice.ask("chat.start_workflow", workflow_name="Toolbox", message="Go")
    chat_id = started["chat_id"]
    await alice.event("chat.select_speaker", chat_id)
    await alice.ask("chat.pause", chat_id=chat_id)
    assert await alice.settle(chat_id) == "chat.paused"
    await alice.drain(0.2)
    assert not await database(ToolAttempt.objects.filter(chat_id=chat_id).exists)
    assert not alice.chats[chat_id].of("chat.tool_response")
    await alice.ask("chat.resume", chat_id=chat_id)
    assert await alice.settle(chat_id) == "chat.run_complete"
    log = alice.chats[chat_id]
    assert [len(log.of(name)) for name in ("chat.tool_call", "chat.tool_response")] == [1, 1]
    assert log.of("chat.tool_response")[0]["data"]["status"] == "ok"


@pytest.mark.requirement("A11")
async def test_a_chat_at_rest_is_paused_at_once_and_queues_what_comes(alice: Client) -> None:
    chat_id = await start(alice)
    assert await alice.ask("chat.pause", chat_id=chat_id) == {"run_state": "paused"}
    await alice.event("chat.paused", chat_id)
    assert (await alice.ask("user.input.submit", chat_id=chat_id, text="Later"))["status"] == "queued"
    assert await alice.ask("chat.resume", chat_id=chat_id) == {"run_state": "queued"}
    assert await alice.settle(chat_id) == "chat.run_complete"
    assert [who for who, _ in alice.chats[chat_id].texts()] == ["user", "helper", "user", "helper"]


@pytest.mark.requirement("law 5", "law 9", "PROTOCOL 2")
@pytest.mark.parametrize("kind", ["workflow", "general"])
async def test_a_stop_keeps_the_text_so_far_and_counts_no_tokens_it_does_not_know(
    connect: Connect, kind: str, slow: Callable[[], None]
) -> None:
    alice, watcher = await connect("alice"), await connect("alice")
    if kind == "workflow":
        chat_id, run_id = await streaming(alice)
    else:
        chat_id = (await alice.ask("chat.enter_general_mode"))["general_chat_id"]
        run_id = (await alice.ask("user.input.submit", text="What can you do for me?"))["run_id"]
        for _ in range(3):
            await alice.event("chat.delta", chat_id)
    await watcher.ask("chat.open", chat_id=chat_id)
    assert await alice.ask("chat.stop", chat_id=chat_id, run_id=run_id) == {"stopped": True}
    slow()
    await alice.event("chat.run_complete", chat_id)
    log = alice.chats[chat_id]
    partial = log.of("chat.text")[-1]
    assert partial["data"]["partial"] is True
    assert partial["source"] == ("agent" if kind == "workflow" else "general_agent")
    streamed = "".join(frame["text"] for frame in alice.frames if frame["type"] == "chat.delta")
    assert partial["data"]["content"].startswith(streamed[:10])
    end = log.of("chat.run_complete")[-1]["data"]
    assert (end["status"], end["run_id"]) == ("cancelled", run_id)
    call = await database(ModelCall.objects.get, chat_id=chat_id)
    assert (call.status, call.prompt_tokens, call.completion_tokens) == ("aborted", None, None)
    await watcher.event("chat.run_complete", chat_id)
    behind = len(watcher.frames)
    await watcher.drain(0.4)
    assert not [frame for frame in watcher.frames[behind:] if frame["type"] == "chat.delta"]
    joiner = await connect("alice", hello=False)
    await joiner.hello(cursors={chat_id: {"seq": 0}})
    await joiner.drain()
    assert not [frame for frame in joiner.frames if frame["type"] == "chat.delta"]
    assert await alice.ask("chat.stop", chat_id=chat_id, run_id=run_id) == {"stopped": False}
    await alice.ask("user.input.submit", chat_id=chat_id, text="Go on")
    assert await alice.settle(chat_id) == "chat.run_complete"


@pytest.mark.requirement("law 7", "PROTOCOL 7")
async def test_a_failed_model_is_told_and_a_retry_goes_on_from_the_last_step(
    connect: Connect, models: ModelServer
) -> None:
    models.script(lambda body: Reply(status=500) if "Speak second." in json.dumps(body) else None)
    alice = await connect("alice")
    chat_id = await start(alice, "Chain", message=SEA)
    log = alice.chats[chat_id]
    error = log.of("chat.error")[0]["data"]
    assert (error["code"], error["retryable"]) == ("MODEL_UNAVAILABLE", True)
    assert log.of("chat.run_complete")[0]["data"]["status"] == "failed"
    await alice.drain(0.2)
    failed = await tab(alice, chat_id)
    assert (failed["status"], failed["run_state"]) == ("IN_PROGRESS", "failed")
    models.script(None)
    retried = await alice.ask("chat.retry", chat_id=chat_id)
    assert await alice.settle(chat_id) == "chat.run_complete"
    assert [who for who, _ in log.texts()] == ["user", "one", "two", "three"]
    starts = [event["data"] for event in log.of("chat.run_start")]
    assert [data["cause"] for data in starts] == ["start", "retry"]
    assert starts[1]["run_id"] == retried["run_id"]
    states = await database(lambda: list(ModelCall.objects.filter(chat_id=chat_id).values_list("status", flat=True)))
    assert states.count("done") == 3
    assert set(states) == {"done", "failed"}


@pytest.mark.requirement("PROTOCOL 2")
async def test_a_message_after_a_failure_goes_another_way_than_a_retry(connect: Connect, models: ModelServer) -> None:
    models.script([Reply(status=500, times=1_000)])
    alice = await connect("alice")
    chat_id = await start(alice, message="First")
    models.script(None)
    await alice.ask("user.input.submit", chat_id=chat_id, text="Second")
    assert await alice.settle(chat_id) == "chat.run_complete"
    assert alice.chats[chat_id].of("chat.run_complete")[-1]["data"]["status"] == "completed"
    assert (await alice.refused("chat.retry", chat_id=chat_id))["code"] == "CONFLICT"


@pytest.mark.requirement("PROTOCOL 2")
async def test_a_busy_chat_queues_and_takes_the_messages_in_their_order(
    alice: Client, slow: Callable[[], None]
) -> None:
    chat_id, _ = await streaming(alice, "Helper")
    for text in ("second", "third"):
        said = await alice.ask("user.input.submit", chat_id=chat_id, text=text)
        assert (said["status"], "run_id" in said, "seq" in said) == ("queued", False, False)
    busy = await alice.refused("user.input.submit", chat_id=chat_id, text="no", on_busy="reject")
    assert busy["code"] == "CHAT_BUSY"
    slow()
    for _ in range(3):
        await alice.event("chat.run_complete", chat_id)
    log = alice.chats[chat_id]
    assert [what for who, what in log.texts() if who == "user"] == [SEA, "second", "third"]
    order = [event["type"] for event in log.of("chat.run_start", "chat.run_complete", "chat.text")]
    assert order[1:] == ["chat.run_start", "chat.text", "chat.run_complete", "chat.text"] * 2 + [
        "chat.run_start", "chat.text", "chat.run_complete",
    ]  # fmt: skip
    assert len({event["data"]["run_id"] for event in log.of("chat.run_start")}) == 3
    assert not await database(QueuedMessage.objects.exists)


@pytest.mark.requirement("PROTOCOL 2", "PROTOCOL 7")
@pytest.mark.usefixtures("slow")
async def test_a_workflow_may_refuse_messages_while_it_is_busy(alice: Client) -> None:
    chat_id, _ = await streaming(alice, "Impatient")
    busy = await alice.refused("user.input.submit", chat_id=chat_id, text="no", id="again")
    assert (busy["code"], busy["retryable"]) == ("CHAT_BUSY", True)
    await alice.settle(chat_id)
    # a retryable refusal claims nothing: the same command may come again
    assert (await alice.ask("user.input.submit", chat_id=chat_id, text="no", id="again"))["status"] == "accepted"


@pytest.mark.requirement("PROTOCOL 7")
async def test_a_run_has_so_many_turns_and_a_retry_has_them_again(alice: Client) -> None:
    chat_id = await start(alice, "Looper")
    log = alice.chats[chat_id]
    assert log.of("chat.error")[0]["data"]["code"] == "BUDGET_EXCEEDED"
    assert len(log.of("chat.text")) == 3
    await alice.ask("chat.retry", chat_id=chat_id)
    await alice.settle(chat_id)
    assert len(log.of("chat.text")) == 5


@pytest.mark.requirement("PROTOCOL 7")
async def test_a_run_has_so_many_tokens(alice: Client, limits: Callable[..., None]) -> None:
    limits(tokens_per_run=5)
    chat_id = await start(alice, "Chain")
    assert alice.chats[chat_id].of("chat.error")[0]["data"]["code"] == "BUDGET_EXCEEDED"
    assert len(alice.chats[chat_id].of("chat.text")) == 2


@pytest.mark.requirement("PROTOCOL 3")
async def test_a_users_day_ends_in_a_pause_not_in_a_loss(alice: Client, limits: Callable[..., None]) -> None:
    limits(tokens_per_user_day=5)
    chat_id = await start(alice, "Chain")
    assert alice.chats[chat_id].of("chat.paused")[0]["data"] == {"reason": "budget"}
    assert (await alice.refused("chat.start_workflow", workflow_name="Helper"))["code"] == "BUDGET_EXCEEDED"
    limits(tokens_per_user_day=1_000_000)
    await alice.ask("chat.resume", chat_id=chat_id)
    assert await alice.settle(chat_id) == "chat.run_complete"
    assert len(alice.chats[chat_id].of("chat.text")) == 4


@pytest.mark.requirement("law 5", "law 6")
async def test_closing_every_socket_changes_nothing(connect: Connect, slow: Callable[[], None]) -> None:
    alice = await connect("alice")
    chat_id, run_id = await streaming(alice)
    await alice.socket.communicator.disconnect()  # type: ignore[attr-defined]
    slow()
    async with asyncio.timeout(20):
        while (await database(Run.objects.get, pk=run_id)).status != Run.Status.COMPLETED:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    again = await connect("alice")
    await again.event("replay.end", chat_id)
    assert len(again.chats[chat_id].texts()) == 4
