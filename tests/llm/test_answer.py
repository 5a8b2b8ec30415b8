"""Answers put together from chunks: odd servers, odd cuts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mozaiks.llm.answer import AnswerBuilder, AnswerTooLong, read_usage
from mozaiks.llm.chat import Usage


def chunk(delta: Any = None, reason: Any = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta or {}, "finish_reason": reason}], **fields}


def call(index: Any = None, id_: Any = None, name: Any = None, arguments: Any = None) -> dict[str, Any]:
    fragment = {"index": index, "id": id_, "function": {"name": name, "arguments": arguments}}
    return chunk({"tool_calls": [{key: value for key, value in fragment.items() if value is not None}]})


def built(*chunks: dict[str, Any]) -> AnswerBuilder:
    builder = AnswerBuilder(1000)
    for one in chunks:
        builder.feed(one)
    return builder


def test_what_comes_after_the_reason_adds_nothing_but_usage() -> None:
    builder = built(
        chunk({"content": "one"}),
        chunk({}, "stop"),
        chunk({"content": "one"}),
        chunk({}, "length"),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
    )
    assert (builder.text, builder.finish_reason, builder.usage) == ("one", "stop", Usage(3, 1))


def test_a_character_cut_in_two_by_the_server_is_one_character_again() -> None:
    builder = AnswerBuilder(1000)
    published = [builder.feed(chunk({"content": piece})) for piece in ("a\ud83d", "\ude00b", "\ud83d", "x", "\ud83d")]
    published.append(builder.feed(chunk({}, "stop")))
    assert "".join(published) == builder.text == "a\U0001f600b\ufffdx\ufffd"
    builder.text.encode()


@pytest.mark.parametrize(
    "chunks",
    [
        [call(0, "a", "f", ""), call(0, None, None, '{"x"'), call(0, None, None, ":1}"), call(1, "b", "g", "{}")],
        [call(0, "a", "f", '{"x":1}'), call(0, "b", "g", "{}")],  # every call has index 0
        [call(None, "a", "f", '{"x":1}'), call(None, "b", "g", "{}")],  # no index at all
        [call(0, "a", "f", '{"x"'), call(0, "a", "f", ":1}"), call(1, "b", "g", "{}")],  # id and name again
        [call(0, "a", "f", {"x": 1}), call(1, "b", "g", "{}")],  # arguments as an object
    ],
)
def test_tool_calls_come_out_the_same_whatever_the_server_leaves_out(chunks: list[dict[str, Any]]) -> None:
    calls = built(*chunks).tool_calls
    assert [(one.id, one.name, json.loads(one.arguments)) for one in calls] == [("a", "f", {"x": 1}), ("b", "g", {})]


def test_a_tool_call_without_an_id_gets_one_of_its_own() -> None:
    first, second = built(call(0, None, "f", "{}"), call(1, None, "f", "{}")).tool_calls
    assert first.id
    assert second.id
    assert first.id != second.id


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"choices": None},
        {"choices": 5},
        {"choices": [None, 5, "x"]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"content": 5, "tool_calls": 5}}]},
        {"choices": [{"delta": {"tool_calls": [None, {"function": None}, {"index": "x"}]}}]},
        {"choices": [{"delta": {"content": "other choice"}, "index": 1}]},
        {"usage": "many", "id": 5, "model": 5},
    ],
)
def test_odd_chunks_are_survived_and_say_nothing(odd: dict[str, Any]) -> None:
    assert built(odd).text == ""


def test_thinking_is_a_sign_of_life_but_no_text() -> None:
    builder = built(chunk({"reasoning_content": "hm"}), chunk({"role": "assistant", "content": None}))
    assert (builder.tokens, builder.text) == (1, "")


def test_too_long_an_answer_is_stopped_in_text_and_in_arguments() -> None:
    for long in (chunk({"content": "x" * 600}), call(0, "a", "f", "x" * 600)):
        builder = AnswerBuilder(1000)
        builder.feed(long)
        with pytest.raises(AnswerTooLong):
            builder.feed(long)


@pytest.mark.requirement("law 9")
@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4}, Usage(3, 4)),
        ({"prompt_tokens": 3, "completion_tokens": 0}, Usage(3, 0)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": 3}, None),
        ({"prompt_tokens": -1, "completion_tokens": 4}, None),
        ({"prompt_tokens": "3", "completion_tokens": 4}, None),
        ({"prompt_tokens": True, "completion_tokens": 4}, None),
        ({}, None),
        (None, None),
        ([], None),
    ],
)
def test_usage_is_what_was_reported_or_none(raw: Any, usage: Usage | None) -> None:
    assert read_usage(raw) == usage
