"""The frames that the server really sends are the ones that mozaiks.protocol defines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mozaiks.gateway import consumer, hub
from mozaiks.protocol.events import EVENTS, parse_event
from mozaiks.protocol.shapes import SessionState
from mozaiks.protocol.signals import SIGNALS, ReplayBegin
from tests.harness.client import Client

Connect = Callable[..., Awaitable[Client]]


def check(frame: dict[str, Any]) -> str:
    """The frame's type, after it proved to be what its class says and nothing more."""
    name = str(frame["type"])
    if name in EVENTS:
        event = parse_event(name, frame["data"])
        assert event is not None
        assert event.data() == frame["data"]
        outside = {"type", "chat_id", "epoch", "seq", "event_id", "timestamp", "source", "data"}
        assert frame.keys() - {"replay"} == outside
    elif name != "result":
        SIGNALS[name].model_validate_json(json.dumps(frame))
    return name


@pytest.mark.requirement("PROTOCOL 3", "PROTOCOL 4", "PROTOCOL 5")
async def test_every_frame_of_a_busy_session_is_documented(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "HEARTBEAT_EVERY", 1.0)
    monkeypatch.setenv("MOZAIKS_OFFLINE_TOKENS_PER_SECOND", "200")
    client = await connect()
    helper = (await client.ask("chat.start_workflow", workflow_name="Helper", message="Hello there"))["chat_id"]
    await client.settle(helper)
    budget = (await client.ask("chat.start_workflow", workflow_name="Budgeter", message="100 EUR"))["chat_id"]
    await client.settle(budget)
    trip = (await client.ask("chat.start_workflow", workflow_name="TripPlanner", message="Ghent"))["chat_id"]
    await client.settle(trip)
    await client.ask("user.input.submit", chat_id=trip, text="wait for me")
    general = await client.ask("chat.enter_general_mode")
    await client.ask("user.input.submit", text="What is open?")
    await client.settle(general["general_chat_id"])
    await client.ask("chat.switch_workflow", chat_id=helper)
    await client.ask("chat.open", chat_id=helper, cursor={"seq": 999})
    await client.ask("chat.delete", chat_id=budget)
    await client.ask("chat.rename", chat_id=helper, title="Renamed")
    await client.until(lambda frame: frame["type"] == "heartbeat")
    await client.drain()
    draining = asyncio.ensure_future(hub.drain())
    await client.until(lambda frame: frame["type"] == "session.drain")
    await draining
    seen = {check(frame) for frame in client.frames}
    assert set(SIGNALS) - seen == set(), "the session above must show every signal"
    SessionState.model_validate_json(json.dumps(client.state))


def test_a_signal_is_its_wire_form() -> None:
    frame = {
        "type": "replay.begin",
        "chat_id": "5b0d6a4e-5c3f-4f4c-9a6c-0a51d1f0a001",
        "epoch": "5b0d6a4e-5c3f-4f4c-9a6c-0a51d1f0a002",
        "from": 1,
        "to": 3,
        "prev_digest": "0" * 64,
    }
    assert ReplayBegin.model_validate(frame).frame() == frame
