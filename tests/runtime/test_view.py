"""The transcript a model sees, and the plan of a turn, as pure functions."""

from __future__ import annotations

from typing import Any

import pytest
from ag2.config.openai.mappers import convert_messages
from ag2.events import (
    BaseEvent,
    BinaryInput,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextInput,
    ToolCallEvent,
    ToolCallsEvent,
    ToolResult,
    ToolResultEvent,
)
from fast_depends.pydantic import PydanticSerializer
from hypothesis import given
from hypothesis import strategies as st

from mozaiks.runtime.planner import plan_turn
from mozaiks.runtime.view import model_view
from tests.model_server import transcript_problem


def messages(*events: BaseEvent) -> list[dict[str, Any]]:
    return [dict(message) for message in convert_messages([], model_view(events), PydanticSerializer())][1:]


def asked(text: str = "hi") -> ModelRequest:
    return ModelRequest([TextInput(text)])


def said(text: str | None = None, *calls: str, arguments: str = "{}") -> ModelResponse:
    events = [ToolCallEvent(id=call, name="t", arguments=arguments) for call in calls]
    message = None if text is None else ModelMessage(text)
    return ModelResponse(message, tool_calls=ToolCallsEvent(events))


def told(call: str, text: str = "ok", *, final: bool = False) -> ToolResultEvent:
    return ToolResultEvent(parent_id=call, name="t", result=ToolResult(text, final=final))


def test_ids_that_come_twice_get_the_results_of_their_own_batch() -> None:
    shown = messages(asked(), said(None, "0"), told("0", "first"), said(None, "0"), told("0", "second"))
    assert [message["content"] for message in shown if message["role"] == "tool"] == ["first", "second"]


@pytest.mark.requirement("law 13")
@pytest.mark.parametrize("arguments", ['{"cut": ', "[1]", '"x"', "nul", "[" * 100_000])
def test_arguments_that_are_no_object_do_not_reach_the_server_again(arguments: str) -> None:
    shown = messages(asked(), said(None, "a", arguments=arguments), told("a"))
    assert shown[1]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_a_result_that_is_no_text_is_named() -> None:
    picture = ToolResultEvent(parent_id="a", name="t", result=ToolResult(BinaryInput(b"123", media_type="image/png")))
    assert messages(asked(), said(None, "a"), picture)[2]["content"] == "[image/png, 3 bytes]"


STEPS = st.lists(
    st.one_of(
        st.just(asked()),
        st.builds(said, st.none() | st.text(), st.sampled_from("ab"), st.sampled_from("cd")),
        st.builds(said, st.text()),
        st.builds(told, st.sampled_from("abcd")),
    )
)


@pytest.mark.requirement("law 7")
@given(STEPS)
def test_any_order_of_stored_events_gives_a_transcript_a_server_accepts(events: list[BaseEvent]) -> None:
    shown = messages(asked(), *events)
    assert transcript_problem({"messages": shown}) is None


@pytest.mark.requirement("law 7")
@pytest.mark.parametrize(
    ("kind", "events"),
    [
        ("start", []),
        ("call_model", [asked()]),
        ("run_tools", [asked(), said(None, "a", "b")]),
        ("run_tools", [asked(), said(None, "a", "b"), told("a", final=True)]),
        ("call_model", [asked(), said(None, "a", "b"), told("b"), told("a")]),
        ("end", [asked(), said(None, "a", "b"), told("b"), told("a", final=True)]),
        ("done", [asked(), said("answer")]),
        ("done", [asked(), said(None, "a"), told("a", final=True), said("answer")]),
        ("call_model", [asked(), said("bad"), asked("again")]),
        ("run_tools", [asked(), said(None, "a"), told("a"), said(None, "a")]),
    ],
)
def test_the_plan_is_the_smallest_thing_that_continues_a_turn(kind: str, events: list[BaseEvent]) -> None:
    assert plan_turn(events).kind == kind
