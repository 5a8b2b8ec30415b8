"""Nothing a client sends, and no failure behind it, closes a socket or holds up another (law 13); who may open one."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import get_channel_layer
from django.db import connection

from mozaiks.accounts.principal import Principal
from mozaiks.gateway import consumer, doorbell, hub, registry
from mozaiks.protocol.frames import MAX_FRAME
from tests.harness.client import Client

from .scene import (
    Connect,
    is_well,
    start,
)

DEEP = '{"type":"ping","id":"d","nonce":' + "[" * 5_000 + "]" * 5_000 + "}"
MALFORMED: dict[str, tuple[str, str | None]] = {
    "not JSON": ("hello?", None),
    "half": ('{"type":"ping","id":"h"', None),
    "empty": ("", None),
    "white": (" \n", None),
    "array": ('[{"type":"ping","id":"a"}]', None),
    "string": ('"ping"', None),
    "number": ("7", None),
    "null": ("null", None),
    "deep": (DEEP, None),
    "deep array": ("[" * 30_000, None),
    "NaN": ('{"type":"ping","id":"n","nonce":NaN}', "n"),
    "infinite": ('{"type":"ping","id":"n","nonce":-Infinity}', "n"),
    "too large a float": ('{"type":"ping","id":"n","nonce":1e999}', "n"),
    "5,000 digits": ('{"type":"ping","id":"n","nonce":' + "9" * 5_000 + "}", None),
    "twice": ('{"type":"ping","id":"one","id":"two"}', "two"),
    "NUL": ('{"type":"ping","id":"z","nonce":"a\\u0000b"}', "z"),
    "raw NUL": ('{"type":"ping","id":"z","nonce":"a\x00b"}', None),
    "surrogate": ('{"type":"ping","id":"s","nonce":"\\ud83d"}', "s"),
    "raw surrogate": ('{"type":"ping","id":"s","nonce":"\ud83d"}', "s"),
    "surrogate in a name": ('{"type":"ping","id":"s","\\udc00":1}', "s"),
    "surrogate in the type": ('{"type":"\\ud800","id":"s"}', "s"),
    "surrogate in the id": ('{"type":"ping","id":"\\ud800"}', None),
    "no type": ('{"id":"t"}', "t"),
    "type is a number": ('{"type":5,"id":"t"}', "t"),
    "type is an object": ('{"type":{"a":1},"id":"t"}', "t"),
    "no id": ('{"type":"ping"}', None),
    "id is a number": ('{"type":"ping","id":5}', None),
    "id is empty": ('{"type":"ping","id":""}', None),
    "id is too long": (json.dumps({"type": "ping", "id": "i" * 65}), None),
    "a field too many": ('{"type":"ping","id":"f","extra":1}', "f"),
    "a thousand fields": (json.dumps({"type": "ping", "id": "k", **{str(n): n for n in range(1_001)}}), "k"),
    "wrong kind of field": ('{"type":"chat.open","id":"w","chat_id":{"$ne":1}}', "w"),
    "not a UUID": ('{"type":"chat.open","id":"w","chat_id":"1 OR 1=1"}', "w"),
}


@pytest.mark.requirement("law 13", "PROTOCOL 1")
async def test_a_malformed_frame_is_answered_and_the_socket_stays(alice: Client) -> None:
    for what, (text, re) in MALFORMED.items():
        await alice.socket.communicator.send_input({"type": "websocket.receive", "text": text})  # type: ignore[attr-defined]
        answer = await alice.until(lambda frame: frame["type"] == "result")
        assert answer["ok"] is False, what
        assert answer["error"]["code"] == "SCHEMA_VALIDATION_FAILED", (what, answer)
        assert answer["error"]["message"].endswith("."), what
        assert len(answer["error"]["message"]) < 500, what
        assert answer["re"] == re, (what, answer)
    await is_well(alice)
    await alice.socket.communicator.send_to(bytes_data=b'{"type":"ping","id":"b"}')  # type: ignore[attr-defined]
    binary = await alice.until(lambda frame: frame["type"] == "result")
    assert (binary["re"], binary["error"]["code"]) == (None, "SCHEMA_VALIDATION_FAILED")
    await is_well(alice)


@pytest.mark.requirement("law 13")
async def test_what_is_no_command_is_unknown(alice: Client) -> None:
    for name in ("", "nope", "websocket.close", "websocket.disconnect", "gateway.close", "gateway.bells",
                 "gateway.delta", "chat.text", "__class__", "dispatch", "send", "type" * 5_000):  # fmt: skip
        result = await alice.result(name, code=4403)
        assert result["error"]["code"] == "UNKNOWN_COMMAND", name
        assert len(result["error"]["message"]) < 200
    await is_well(alice)


@pytest.mark.requirement("law 13", "PROTOCOL 1")
async def test_a_frame_that_is_too_large_is_refused_and_the_socket_stays(alice: Client) -> None:
    frame = {"type": "user.input.submit", "id": "large", "text": ""}
    room = MAX_FRAME - len(json.dumps(frame))
    for more in (1, MAX_FRAME, 1024 * 1024 - MAX_FRAME):
        answer = await alice.raw(json.dumps({**frame, "text": "x" * (room + more)}))
        assert (answer["re"], answer["error"]["code"]) == ("large", "TOO_LARGE")
    for text in (
        "[" * (1024 * 1024),
        '"' + "é" * MAX_FRAME + '"',
        json.dumps({"a": {"id": "inner"}, "b": "x" * MAX_FRAME}),
    ):
        answer = await alice.raw(text)
        assert (answer["re"], answer["error"]["code"]) == (None, "TOO_LARGE")
    fits = await alice.raw(json.dumps({"type": "ping", "id": "fits", "nonce": "x" * (room - 20)}))
    assert (fits["re"], fits["ok"]) == ("fits", True)
    await is_well(alice)


@pytest.mark.requirement("law 13", "PROTOCOL 1")
async def test_a_flood_is_slowed_down_and_then_closed(connect: Connect, limits: Callable[..., None]) -> None:
    limits(commands_per_second=1, command_burst=20)
    alice = await connect("alice")
    for number in range(25):
        await alice.send("ping", nonce=number, id=f"p{number}")
    results = [await alice.until(lambda frame: frame["type"] == "result") for _ in range(25)]
    refused = {frame["re"]: frame["error"] for frame in results if not frame["ok"]}
    assert len(refused) in (5, 6)  # hello took one, a second may have passed
    assert all(error["code"] == "RATE_LIMITED" and error["retryable"] for error in refused.values())
    for number in range(40):
        await alice.send("ping", nonce=number)
    with pytest.raises(ConnectionError, match="4029"):
        await alice.until(lambda frame: False)


@pytest.mark.requirement("law 13")
async def test_a_client_that_reads_nothing_is_closed_and_leaves_no_trace(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, people: dict[str, Principal]
) -> None:
    monkeypatch.setattr(consumer, "SEND_WITHIN", 0.3)
    monkeypatch.setattr(consumer, "WAITING_FRAMES", 2)
    alice = await connect("alice")
    (socket,) = hub._sockets

    async def stuck(message: Any) -> None:
        if message["type"] == "websocket.send":
            await asyncio.sleep(60)

    monkeypatch.setattr(socket, "send", stuck)
    for number in range(8):  # more than may wait: reading from the socket stops until the close
        await alice.send("ping", nonce=number)
    await asyncio.sleep(0.6)
    await alice.socket.communicator.send_input({"type": "websocket.disconnect", "code": 1006})  # type: ignore[attr-defined]
    async with asyncio.timeout(5):
        while hub.count(people["alice"].user_id):  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.02)


@pytest.mark.requirement("PROTOCOL 1")
async def test_hello_comes_first_soon_and_in_the_right_protocol(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    eager = await connect("alice", hello=False)
    early = await eager.refused("chat.start_workflow", workflow_name="Helper", id="early")
    assert early["code"] == "HELLO_REQUIRED"
    assert (await eager.refused("session.hello", protocol="one"))["code"] == "SCHEMA_VALIDATION_FAILED"
    await eager.hello()
    assert await eager.ask("command.status", command_id="early") == {"status": "unknown"}
    other = await connect("alice", hello=False)
    await other.send("session.hello", protocol=2)
    with pytest.raises(ConnectionError, match="4400"):
        await other.next()
    monkeypatch.setattr(consumer, "HELLO_WITHIN", 0.3)
    silent = await connect("alice", hello=False)
    with pytest.raises(ConnectionError, match="4400"):
        await silent.next()
    noisy = await connect("alice", hello=False)
    for _ in range(20):
        await noisy.send("ping")
    with pytest.raises(ConnectionError, match="4400"):
        await noisy.until(lambda frame: frame["type"] != "result")


@pytest.mark.requirement("PROTOCOL 1")
async def test_commands_sent_right_behind_hello_wait_for_it(connect: Connect) -> None:
    client = await connect("alice", hello=False)
    await client.send("session.hello", protocol=1, id="hello")
    await client.send("chat.start_workflow", workflow_name="Helper", id="start")
    await client.send("ping", id="ping")
    answers = [await client.until(lambda frame: frame["type"] == "result") for _ in range(3)]
    assert [(answer["re"], answer["ok"]) for answer in answers] == [("hello", True), ("start", True), ("ping", True)]


@pytest.mark.requirement("law 13", "S5")
async def test_sockets_stay_live_while_one_handlers_query_takes_seconds(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [await connect("alice") for _ in range(8)] + [await connect("bob") for _ in range(8)]
    slow = registry.find("session.list")
    assert slow is not None
    ends: list[float] = []

    def takes_seconds(principal: Principal, cmd: Any) -> dict[str, Any]:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SELECT pg_sleep(3)")
            else:
                cursor.execute("SELECT 1")
                time.sleep(3)
        ends.append(time.monotonic())
        return {}

    monkeypatch.setitem(
        registry._commands, "session.list", registry.Registered(slow.schema, takes_seconds, slow.place, slow.viewers)
    )
    await clients[0].send("session.list", id="slow")
    slowest = 0.0
    for _ in range(3):
        started = time.monotonic()
        await asyncio.gather(*(is_well(client) for client in clients[1:]))
        slowest = max(slowest, time.monotonic() - started)
    assert slowest < 0.5
    assert not ends
    assert (await clients[0].until(lambda frame: frame.get("re") == "slow"))["ok"]


@pytest.mark.requirement("law 13", "PROTOCOL 7")
async def test_a_handler_that_fails_is_internal_with_a_reference(
    alice: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, fields in (("session.list", {}), ("ping", {}), ("chat.rename", {"chat_id": str(uuid4()), "title": "x"})):
        known = registry.find(name)
        assert known is not None

        def broken(principal: Principal, cmd: Any) -> dict[str, Any]:
            raise ZeroDivisionError("secret detail")

        monkeypatch.setitem(
            registry._commands, name, registry.Registered(known.schema, broken, known.place, known.viewers)
        )
        with caplog.at_level(logging.ERROR, "mozaiks.gateway"):
            error = await alice.refused(name, id=f"x-{name}", **fields)
        assert error["code"] == "INTERNAL"
        assert "secret" not in error["message"]
        reference = error["message"].split("reference ")[1].rstrip(").")
        assert any(reference in record.getMessage() for record in caplog.records)
        monkeypatch.setitem(registry._commands, name, known)
    await is_well(alice)
    # what failed was not claimed: the same id may try again
    assert await alice.ask("command.status", command_id="x-chat.rename") == {"status": "unknown"}


@pytest.mark.requirement("law 13")
async def test_what_the_layer_brings_cannot_hurt_a_socket(
    alice: Client, principal: Principal, caplog: pytest.LogCaptureFixture
) -> None:
    group = doorbell.group_of(app_id=principal.app_id, user_id=principal.user_id)
    for message in (
        {"type": "nobody.knows"},
        {"type": "send_frame"},
        {"type": "gateway.bells"},
        {"type": "gateway.bells", "bells": [{}]},
        {"type": "gateway.delta", "frame": {"chat_id": "x"}},
        {"type": "gateway.close"},
    ):
        await doorbell.send(group, message)
    await asyncio.sleep(0.1)
    await is_well(alice)


@pytest.mark.requirement("law 13")
async def test_what_a_model_says_cannot_hurt_a_socket(connect: Connect, models: Any) -> None:
    """Half a surrogate pair and a NUL, streamed and final."""
    from tests.model_server import Reply

    models.script([Reply(text="before \ud800 and \x00 after <script>"), Reply(text="fine")])
    alice = await connect("alice")
    chat_id = await start(alice)
    for frame in alice.frames:
        json.dumps(frame, ensure_ascii=False).encode("utf-8")
        assert "\\u0000" not in json.dumps(frame)
    text = alice.chats[chat_id].texts()[-1][1]
    assert text.startswith("before ")
    assert text.endswith(" after <script>")
    await is_well(alice)


@pytest.mark.requirement("law 1", "law 13")
async def test_without_its_cache_and_layer_a_socket_only_gets_slower(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def get(self, *args: Any) -> Any:
            raise ConnectionError("the cache is away")

        set = delete = get

    async def away(*args: Any) -> None:
        raise ConnectionError("the layer is away")

    monkeypatch.setattr(hub, "POLL_EVERY", 0.2)
    monkeypatch.setattr("mozaiks.gateway.deltas.cache", Away())
    for name in ("group_send", "group_add"):
        monkeypatch.setattr(get_channel_layer(), name, away)
    alice = await connect("alice")
    chat_id = await start(alice, "Interview")
    run_id = alice.chats[chat_id].of("chat.run_start")[0]["data"]["run_id"]
    assert await alice.ask("chat.stop", chat_id=chat_id, run_id=run_id) == {"stopped": True}
    assert await alice.settle(chat_id) == "chat.run_complete"
