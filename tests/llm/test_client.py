"""Calling models over real HTTP: what is streamed, what falls over to the next, what stops, and how long it takes."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from mozaiks.llm import (
    ModelCallError,
    ModelInterrupted,
    ModelList,
    ModelRejected,
    ModelTruncated,
    ModelUnavailable,
    Usage,
    close,
    offline_entry,
)
from tests.llm.conftest import Chat
from tests.model_server import ModelServer, Reply

QUICK = {"connect_timeout": 1.0, "first_token_timeout": 0.3, "between_tokens_timeout": 0.3, "total_timeout": 2.0}


def after(server: ModelServer, reply: Reply, **changes: Any) -> Chat:
    server.script([reply])
    return Chat(server.models(**{**QUICK, **changes}))


@pytest.mark.requirement("A53", "A47", "A48")
async def test_an_answer_is_streamed_and_its_tokens_are_the_servers(server: ModelServer) -> None:
    chat = Chat(server.models())
    answer = await chat.ask()
    assert len(chat.deltas) > 5
    assert "".join(chat.deltas) == answer.text
    spent = server.completions[0]
    assert answer.usage == Usage(spent["prompt_tokens"], spent["completion_tokens"])
    assert (answer.finish_reason, answer.model, answer.response_id) == ("stop", "test-model", spent["id"])
    assert server.calls[0]["stream_options"] == {"include_usage": True}
    assert chat.tries.opened == ["test-model"]


async def test_the_body_holds_what_the_entry_and_the_request_say_and_nothing_empty(server: ModelServer) -> None:
    entry = server.entry(temperature=0.1, max_tokens=50, extra={"top_p": 0.5, "stream_options": None})
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    await Chat(ModelList((entry,))).ask("caf\u00e9 \ud83d", tools=tools, response_format=wanted)
    await Chat(server.models()).ask()
    body, plain = server.calls
    assert body["temperature"] == 0.1
    assert body["max_tokens"] == 50
    assert body["top_p"] == 0.5
    assert "stream_options" not in body
    assert body["tools"] == tools
    assert body["response_format"] == wanted
    assert body["messages"][0]["content"] == "caf\u00e9 \ufffd"  # half a character cannot be sent
    assert set(plain) == {"model", "messages", "stream", "stream_options"}


@pytest.mark.requirement("law 9")
async def test_usage_that_a_server_leaves_out_is_none_and_never_zero(server: ModelServer) -> None:
    answer = await after(server, Reply(usage=False)).ask()
    assert answer.usage is None
    assert answer.text


async def test_tool_calls_come_whole_and_are_not_streamed_as_text(server: ModelServer) -> None:
    chat = after(server, Reply(tool_calls=[("search", {"q": "bikes in Lyon"}), ("now", {})]))
    answer = await chat.ask()
    assert [(call.name, json.loads(call.arguments)) for call in answer.tool_calls] == [
        ("search", {"q": "bikes in Lyon"}),
        ("now", {}),
    ]
    assert len({call.id for call in answer.tool_calls}) == 2
    assert chat.deltas == []
    assert answer.finish_reason == "tool_calls"


UNAVAILABLE = [
    (Reply(status=500), True),
    (Reply(status=503), True),
    (Reply(status=429), True),
    (Reply(status=401), False),
    (Reply(status=404), False),
    (Reply(hang="accept"), True),
    (Reply(hang="headers"), True),
    (Reply(delay=5), True),
    (Reply(cut="clean", cut_after=0), True),
    (Reply(cut="abort", cut_after=0), True),
    (Reply(error_event=True, cut_after=0), True),
    (Reply(garbage=True), True),
]


@pytest.mark.requirement("A56")
@pytest.mark.parametrize(("reply", "retryable"), UNAVAILABLE, ids=[str(number) for number in range(len(UNAVAILABLE))])
async def test_before_a_token_the_next_entry_is_asked(server: ModelServer, reply: Reply, retryable: bool) -> None:
    chat = after(server, reply)
    with pytest.raises(ModelUnavailable) as caught:
        await chat.ask()
    assert caught.value.retryable is retryable
    assert str(caught.value).endswith(".")
    assert chat.deltas == []

    server.script([replace(reply)])
    chat.models = ModelList((*chat.models.entries, server.entry("second")))
    answer = await chat.ask()
    assert answer.entry.name == "second"
    assert chat.tries.opened == ["test-model", "test-model", "second"]
    assert len(chat.tries.errors) == 2
    assert "".join(chat.deltas) == answer.text


INTERRUPTED = [
    Reply(cut="clean"),
    Reply(cut="abort"),
    Reply(hang="tokens"),
    Reply(error_event=True),
    Reply(finish_reason=None),
    Reply(finish_reason="error"),
    Reply(finish_reason=""),
]


@pytest.mark.requirement("A53", "law 9")
@pytest.mark.parametrize("reply", INTERRUPTED, ids=[str(number) for number in range(len(INTERRUPTED))])
async def test_after_a_token_nobody_else_is_asked_and_the_text_so_far_is_kept(
    server: ModelServer, reply: Reply
) -> None:
    chat = after(server, reply)
    chat.models = ModelList((*chat.models.entries, offline_entry()))
    with pytest.raises(ModelInterrupted) as caught:
        await chat.ask()
    assert caught.value.text == "".join(chat.deltas)
    assert caught.value.text.startswith("Reply")
    assert caught.value.retryable
    assert chat.tries.opened == ["test-model"]
    assert chat.tries.errors == [caught.value]


@pytest.mark.parametrize("cut", ["clean", "abort"])
async def test_a_tool_call_that_breaks_off_was_not_published_so_the_next_entry_is_asked(
    server: ModelServer, cut: str
) -> None:
    broken = Reply(tool_calls=[("search", {"q": "bikes and more bikes"})], cut=cut, cut_after=3)
    alone = after(server, broken)
    with pytest.raises(ModelInterrupted):
        await alone.ask()
    chat = after(server, replace(broken))
    chat.models = ModelList((*chat.models.entries, server.entry("second")))
    assert (await chat.ask()).entry.name == "second"


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_rejected_request_goes_to_nobody_else(server: ModelServer, status: int) -> None:
    chat = after(server, Reply(status=status, error="this prompt is too long", times=2))
    chat.models = ModelList((*chat.models.entries, offline_entry()))
    with pytest.raises(ModelRejected, match="too long"):
        await chat.ask()
    assert chat.tries.opened == ["test-model"]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_truncated_answer_is_an_error_with_its_text_and_its_tokens(server: ModelServer, reason: str) -> None:
    chat = after(server, Reply(finish_reason=reason))
    with pytest.raises(ModelTruncated) as caught:
        await chat.ask()
    assert caught.value.finish_reason == reason
    assert caught.value.text == "".join(chat.deltas) != ""
    assert caught.value.usage is not None
    assert not caught.value.retryable


async def test_a_caller_may_take_a_free_text_cut_at_its_limit_but_never_a_cut_structure(server: ModelServer) -> None:
    answer = await after(server, Reply(finish_reason="length")).ask(accept_cut=True)
    assert answer.finish_reason == "length"
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    for reply in (Reply(finish_reason="content_filter"), Reply(finish_reason="length", tool_calls=[("f", {})])):
        with pytest.raises(ModelTruncated):
            await after(server, reply).ask(accept_cut=True)
    with pytest.raises(ModelTruncated):
        await after(server, Reply(finish_reason="length")).ask(accept_cut=True, response_format=wanted)


async def test_nothing_listening_fails_at_once_and_every_failure_is_told(server: ModelServer) -> None:
    server.stop()
    chat = Chat(ModelList((server.entry("one", **QUICK), server.entry("two", **QUICK))))
    started = time.monotonic()
    with pytest.raises(ModelUnavailable) as caught:
        await chat.ask()
    assert time.monotonic() - started < 1
    assert "'one'" in str(caught.value)
    assert "'two'" in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("reply", "limits", "seconds"),
    [
        (Reply(hang="accept"), {"first_token_timeout": 0.2, "total_timeout": 9}, 0.2),
        (Reply(hang="tokens"), {"between_tokens_timeout": 0.2, "total_timeout": 9}, 0.2),
        (Reply(endless=True, token_delay=0.02), {"total_timeout": 0.5}, 0.5),
        (Reply(hang="accept"), {"first_token_timeout": 9, "total_timeout": 0.3}, 0.3),
    ],
    ids=["first token", "between tokens", "total while streaming", "total before a token"],
)
async def test_every_wait_ends_when_its_time_is_up(
    server: ModelServer, reply: Reply, limits: dict[str, float], seconds: float
) -> None:
    chat = after(server, reply, **limits)
    started = time.monotonic()
    with pytest.raises(ModelCallError, match=f"{seconds:g} seconds"):
        await chat.ask()
    assert seconds <= time.monotonic() - started < seconds + 1
    await until(lambda: server.open_streams == 0)


async def test_a_slow_but_steady_answer_outlives_the_pause_limit(server: ModelServer) -> None:
    answer = await after(server, Reply(tokens=12, token_delay=0.1), between_tokens_timeout=0.25).ask()
    assert answer.finish_reason == "stop"


async def test_a_server_that_never_stops_is_stopped_at_the_limit_of_characters(server: ModelServer) -> None:
    chat = after(server, Reply(endless=True), max_answer_chars=5000, total_timeout=30)
    with pytest.raises(ModelInterrupted, match="5000 characters") as caught:
        await chat.ask()
    assert 4900 < len(caught.value.text) <= 5000
    await until(lambda: server.open_streams == 0)


async def test_an_answer_of_ten_megabytes_is_cut_at_the_default_limit(server: ModelServer) -> None:
    chat = after(server, Reply(text="0123456789" * 1_000_000, plain=True), first_token_timeout=30, total_timeout=30)
    with pytest.raises(ModelInterrupted):
        await chat.ask()


@pytest.mark.parametrize("reply", [Reply(duplicate=True), Reply(plain=True)])
async def test_odd_frames_do_not_hurt_an_answer(server: ModelServer, reply: Reply) -> None:
    reply.text = "One two three, caf\u00e9 \U0001f600."
    chat = after(server, reply)
    answer = await chat.ask()
    assert answer.text == "".join(chat.deltas) == reply.text
    assert answer.usage is not None


@pytest.mark.requirement("A53")
async def test_a_cancellation_closes_the_stream_at_once(server: ModelServer) -> None:
    chat = after(server, Reply(endless=True, token_delay=0.01), total_timeout=30)
    task = asyncio.create_task(chat.ask())
    await until(lambda: len(chat.deltas) > 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: server.disconnects == 1 and server.open_streams == 0)
    said = len(chat.deltas)
    await asyncio.sleep(0.05)
    assert len(chat.deltas) == said
    assert chat.tries.errors == []


@pytest.mark.requirement("A53")
@pytest.mark.parametrize("hang", ["accept", "headers", "tokens"])
async def test_a_cancellation_is_seen_by_the_server_wherever_the_call_stands(server: ModelServer, hang: str) -> None:
    chat = after(server, Reply(hang=hang), first_token_timeout=30, between_tokens_timeout=30, total_timeout=30)
    task = asyncio.create_task(chat.ask())
    await until(lambda: server.open_streams == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: server.disconnects == 1)


async def test_an_observer_that_refuses_stops_the_call_before_it_is_made(server: ModelServer) -> None:
    chat = Chat(server.models())
    chat.tries.refuse = PermissionError("no budget")
    with pytest.raises(PermissionError):
        await chat.ask()
    assert server.calls == []


async def test_calls_of_a_loop_share_connections_and_the_next_loop_has_its_own(server: ModelServer) -> None:
    chat = Chat(server.models())
    for _ in range(5):
        await chat.ask()
    assert server.connections == 1
    await asyncio.gather(*(Chat(server.models()).ask() for _ in range(5)))
    assert server.connections == 5
    await asyncio.to_thread(lambda: asyncio.run(_once(server)))
    assert server.connections == 6
    await close()
    await chat.ask()
    assert server.connections == 7


async def test_a_kept_connection_that_turns_out_closed_is_replaced(server: ModelServer) -> None:
    chat = Chat(server.models())
    await chat.ask()
    port = server.port
    server.stop()
    with ModelServer(port=port) as again:
        await chat.ask()
        assert len(again.calls) == 1
    assert chat.tries.errors == []


async def test_two_hundred_streams_at_once_all_end_well(server: ModelServer) -> None:
    server.script(lambda body: Reply(tokens=20, token_delay=0.005))
    chats = [Chat(server.models(total_timeout=60)) for _ in range(200)]
    answers = await asyncio.gather(*(chat.ask(f"Bicycle {number}") for number, chat in enumerate(chats)))
    assert all(answer.text == "".join(chat.deltas) for answer, chat in zip(answers, chats, strict=True))
    assert len({answer.text for answer in answers}) == 200


@pytest.mark.requirement("A56")
async def test_the_entry_a_request_names_is_asked_first(server: ModelServer) -> None:
    models = ModelList((server.entry("one"), server.entry("two")))
    assert (await Chat(models).ask(entry="two")).entry.name == "two"


async def test_a_key_never_appears_in_an_error(server: ModelServer) -> None:
    chat = after(server, Reply(status=400, error="bad key sk-secret-1"), api_key="sk-secret-1")
    with pytest.raises(ModelRejected) as caught:
        await chat.ask()
    assert "sk-secret" not in str(caught.value)


async def test_a_local_model_that_was_not_started_is_unavailable(server: ModelServer) -> None:
    chat = Chat(ModelList((replace(server.entry("local"), kind="local", base_url=None), server.entry("next"))))
    assert (await chat.ask()).entry.name == "next"
    assert "has not been started" in str(chat.tries.errors[0])


async def _once(server: ModelServer) -> None:
    await Chat(server.models()).ask()


async def until(condition: Any, seconds: float = 3.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)
