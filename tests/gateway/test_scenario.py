"""The socket from hello to a finished run, inside the process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.harness.client import Client

Connect = Callable[..., Awaitable[Client]]


@pytest.mark.requirement("A1", "A10", "B4", "law 2")
async def test_a_workflow_runs_from_its_first_message_to_rest(connect: Connect) -> None:
    client = await connect()
    started = await client.ask("chat.start_workflow", workflow_name="Helper", message="Hello there")
    assert await client.settle(started["chat_id"]) == "chat.run_complete"
    log = client.chats[started["chat_id"]]
    assert [event["type"] for event in log.events] == [
        "chat.workflow_started",
        "chat.text",
        "chat.run_start",
        "chat.select_speaker",
        "chat.text",
        "chat.run_complete",
    ]
    assert log.texts()[0] == ("user", "Hello there")
    assert log.events[-1]["data"]["usage"]["total_tokens"] > 0


@pytest.mark.requirement("A2", "law 1")
async def test_two_tabs_hold_the_same_log(connect: Connect) -> None:
    one, two = await connect(), await connect()
    started = await one.ask("chat.start_workflow", workflow_name="Helper", message="Hello there")
    await two.ask("chat.open", chat_id=started["chat_id"])
    await one.settle(started["chat_id"])
    await two.settle(started["chat_id"])
    assert one.chats[started["chat_id"]].digest == two.chats[started["chat_id"]].digest
