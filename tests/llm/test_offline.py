"""The built-in model: deterministic, in the user's words, streamed, stoppable, honest about what it is."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from jsonschema import validate
from pydantic import BaseModel

from mozaiks.llm import Conversation, Facts, ModelCallError, OfflineCall, ToolCall, load_model_list
from tests.llm.conftest import Chat

SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "ok": {"type": "boolean"}},
    "required": ["title", "ok"],
    "additionalProperties": False,
}
WANTED = {"type": "json_schema", "json_schema": {"name": "plan", "schema": SCHEMA}}


def offline() -> Chat:
    return Chat(load_model_list({}))


class Verdict(BaseModel):
    title: str
    ok: bool


@pytest.mark.requirement("A53", "A64")
async def test_it_answers_in_the_users_words_says_what_it_is_and_streams() -> None:
    chat = offline()
    answer = await chat.ask("How do I open a bicycle shop?")
    assert "offline model" in answer.text
    assert "bicycle" in answer.text
    assert "".join(chat.deltas) == answer.text
    assert len(chat.deltas) > 10
    assert (await offline().ask("How do I open a bicycle shop?")) == answer


@pytest.mark.requirement("A47", "A48", "law 9")
async def test_it_counts_its_tokens_the_same_each_time() -> None:
    short, long = await offline().ask("bicycle"), await offline().ask("bicycle " * 500)
    assert short.usage is not None
    assert long.usage is not None
    assert short.usage.completion_tokens > 0
    assert long.usage.prompt_tokens > short.usage.prompt_tokens + 400
    assert (await offline().ask("bicycle")).usage == short.usage


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "12345 !!",
        "\u4f60\u597d\u4e16\u754c",
        "\u0394\u03bf\u03ba\u03b9\u03bc\u03ae \u03c4\u03bf\u03c5 \u03ba\u03cc\u03c3\u03bc\u03bf\u03c5",
        "word " * 5000,
        "\x00\ud83d",
    ],
)
async def test_any_message_gets_an_answer_and_a_structure(text: str) -> None:
    assert (await offline().ask(text)).text
    answer = await offline().ask(text, response_format=WANTED)
    validate(json.loads(answer.text), SCHEMA)
    answer.text.encode()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"title": "T", "ok": False}, {"title": "T", "ok": False}),
        (Verdict(title="T", ok=True), {"title": "T", "ok": True}),
        ('{"title": "T", "ok": true}', {"title": "T", "ok": True}),
        ([1, 2], [1, 2]),
        ("plain words", "plain words"),
    ],
)
async def test_a_responders_value_is_the_answer(said: Any, expected: Any) -> None:
    answer = await offline().ask(response_format=WANTED, offline=OfflineCall("critic", lambda conversation: said))
    assert json.loads(answer.text) == expected


async def test_a_responders_text_is_said_as_it_is_when_no_shape_is_asked() -> None:
    answer = await offline().ask(offline=OfflineCall("writer", lambda conversation: "Just so."))
    assert answer.text == "Just so."


async def test_a_responder_that_returns_nothing_leaves_the_answer_to_the_model() -> None:
    answer = await offline().ask("bicycle", offline=OfflineCall("writer", lambda conversation: None))
    assert "offline model" in answer.text


async def test_a_responder_may_call_tools_and_sees_their_results() -> None:
    def respond(conversation: Conversation) -> Any:
        if not conversation.tool_results:
            return [ToolCall("", "search", '{"q": "bikes"}'), ToolCall("mine", "now", "{}")]
        return ", ".join(f"{result['name']}={result['content']}" for result in conversation.tool_results)

    call = OfflineCall("scout", respond)
    first = await offline().ask("go", offline=call)
    assert first.finish_reason == "tool_calls"
    assert [one.name for one in first.tool_calls] == ["search", "now"]
    assert first.tool_calls[0].id
    assert first.tool_calls[1].id == "mine"
    calls = [
        {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": one.arguments}}
        for one in first.tool_calls
    ]
    messages = [
        {"role": "user", "content": "before"},
        {"role": "tool", "tool_call_id": "old", "content": "an older turn's"},
        {"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": calls},
        {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": '{"found": 2}'},
        {"role": "tool", "tool_call_id": "mine", "content": "noon"},
    ]
    second = await offline().ask(messages=messages, offline=call)
    assert second.text == "search={'found': 2}, now=noon"
    unled = await offline().ask(messages=messages)
    assert "noon" in unled.text
    assert unled.tool_calls == ()


async def test_tools_alone_never_make_it_call_one() -> None:
    tools = [{"type": "function", "function": {"name": "bicycle", "parameters": {"type": "object"}}}]
    assert (await offline().ask("call bicycle now", tools=tools)).tool_calls == ()


async def test_a_responder_sees_the_facts_and_the_conversation() -> None:
    seen: list[Conversation] = []
    facts = Facts(outputs={"planner": {"days": 3}}, answers={"ok": {"approved": True}}, variables={"n": 1},
                  artifacts={"Plan": {"artifact_id": "a", "version": 2, "state": {}}})  # fmt: skip
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": [{"type": "text", "text": "second"}]},
    ]
    call = OfflineCall("critic", lambda conversation: seen.append(conversation), facts)
    await offline().ask(messages=messages, response_format=WANTED, offline=call)
    conversation = seen[0]
    assert (conversation.agent, conversation.message, conversation.first_message) == ("critic", "second", "first")
    assert (conversation.outputs, conversation.answers, conversation.variables) == (
        facts.outputs, facts.answers, facts.variables,
    )  # fmt: skip
    assert conversation.artifacts["Plan"]["version"] == 2
    assert conversation.schema == SCHEMA
    assert conversation.messages == messages


@pytest.mark.requirement("law 13")
@pytest.mark.parametrize(
    "respond",
    [
        lambda conversation: conversation.outputs["nobody"],
        lambda conversation: {"ok": object()},
        lambda conversation: {"ok": float("nan")},
        lambda conversation: respond_forever(conversation),
    ],
)
async def test_a_responder_that_fails_is_a_failed_call_and_no_other_model_hides_it(respond: Any) -> None:
    chat = offline()
    with pytest.raises(ModelCallError, match="critic") as caught:
        await chat.ask(response_format=WANTED, offline=OfflineCall("critic", respond))
    assert not caught.value.retryable
    assert chat.tries.errors == [caught.value]
    assert chat.deltas == []


def respond_forever(conversation: Conversation) -> Any:
    return respond_forever(conversation)


async def test_a_schema_that_nothing_fits_is_a_failed_call() -> None:
    impossible = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": []}}}
    with pytest.raises(ModelCallError, match="shape"):
        await offline().ask(response_format=impossible)


@pytest.mark.requirement("A53")
async def test_it_speaks_at_the_set_rate_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOZAIKS_OFFLINE_TOKENS_PER_SECOND", "100")
    chat = offline()
    started = time.monotonic()
    answer = await chat.ask()
    expected = len(chat.deltas) / 100
    assert expected * 0.8 < time.monotonic() - started < expected + 0.5
    stopped = offline()
    task = asyncio.create_task(stopped.ask())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert 0 < len(stopped.deltas) < len(chat.deltas)
    assert answer.text.startswith("".join(stopped.deltas))


async def test_at_once_it_still_lets_others_run_and_a_cancellation_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOZAIKS_OFFLINE_TOKENS_PER_SECOND", "0")
    chat = offline()
    task = asyncio.create_task(chat.ask(offline=OfflineCall("writer", lambda conversation: "word " * 20_000)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(chat.deltas) < 20_000
