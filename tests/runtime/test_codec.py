"""Stored events: what goes in comes out, and nothing in it is ever an instruction (law 13)."""

from __future__ import annotations

import ast
import dataclasses
import json
import math
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import ag2.events._serialization as own_serializer
import pytest
from ag2 import Agent, tool
from ag2.events import (
    BinaryInput,
    BinaryResult,
    DataInput,
    FileIdInput,
    ImageInput,
    ModelMessage,
    ModelMessageChunk,
    ModelRequest,
    ModelResponse,
    TextInput,
    ToolCallEvent,
    ToolCallsEvent,
    ToolErrorEvent,
    ToolNotFoundEvent,
    ToolResult,
    ToolResultEvent,
    UnknownEvent,
    Usage,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import mozaiks.runtime
from mozaiks.llm.client import ToolCall
from mozaiks.llm.offline import Conversation
from mozaiks.runtime.codec import NotStored, decode, encode
from mozaiks.runtime.plain import plain
from tests.runtime.memory_store import MemoryStore, through_json

HOSTILE: dict[str, Any] = {
    "__dataclass__": "subprocess.Popen",
    "__event__": "ag2.events.ModelRequest",
    "fields": {"args": ["touch", "/tmp/owned"]},
    "$e": "ModelRequest",
    "$d": "Usage",
    "$o": {"$b": "aGk="},
    "kind": "response",
    "text": {"parts": []},
}

EVENTS = [
    ModelRequest([TextInput("hello", metadata={"a": 1}), DataInput(HOSTILE)]),
    ModelRequest([ImageInput("https://example.com/a.png"), FileIdInput("file-1", filename="a.txt")]),
    ModelRequest([BinaryInput(b"\x00\xff", media_type="image/png", vendor_metadata={"detail": "low"})]),
    ModelResponse(ModelMessage("hi", metadata={"x": True}), usage=Usage(prompt_tokens=3), finish_reason="stop"),
    ModelResponse(ModelMessage(""), response_force=True, files=[BinaryResult(b"\x01", {"filename": "a"})]),
    ModelResponse(tool_calls=ToolCallsEvent([ToolCallEvent(id="c", name="t", arguments='{"$e": 1')])),
    ToolResultEvent(parent_id="c", name="t", result=ToolResult(HOSTILE, "and text", metadata={"m": [1]})),
    ToolResultEvent(parent_id="c", name=None, result=ToolResult(parts=[])),
    ToolErrorEvent(parent_id="c", name="t", error=ValueError("no"), result=ToolResult("Error")),
    ToolNotFoundEvent(parent_id="c", name="t", error=KeyError("t"), result=ToolResult("Error")),
]


@pytest.mark.requirement("law 7")
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_stored_event_comes_back_as_it_was(event: Any) -> None:
    stored = through_json(encode(event))
    back = decode(stored)
    assert type(back) is type(event)
    assert encode(back) == stored
    assert back.created_at == event.created_at
    if not isinstance(event, ToolErrorEvent):
        assert back == event


KEYS = st.sampled_from(["$e", "$o", "__dataclass__", "kind", "parts"]) | st.text()
SCALARS = st.none() | st.booleans() | st.text() | st.integers() | st.floats()


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)))
@settings(max_examples=150, deadline=None)
@pytest.mark.requirement("law 13")
def test_any_data_of_a_tool_round_trips_as_data(data: Any) -> None:
    event = ToolResultEvent(parent_id="c", name="t", result=ToolResult(DataInput(plain(data))))
    back = decode(through_json(encode(event)))
    assert isinstance(back, ToolResultEvent)
    (part,) = back.result.parts
    assert isinstance(part, DataInput)
    assert json.dumps(part.data) == json.dumps(plain(data))


@pytest.mark.requirement("law 13")
def test_what_is_not_on_the_list_is_neither_written_nor_built() -> None:
    with pytest.raises(NotStored):
        encode(ModelMessageChunk("tok"))
    back = decode({"v": 9, "kind": "subprocess.Popen", "args": ["x"]})
    assert isinstance(back, UnknownEvent)


class Colour(Enum):
    RED = "red"


class Money(BaseModel):
    amount: Decimal


@dataclasses.dataclass
class Place:
    name: str
    found: date


class Rude:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.requirement("law 13")
def test_anything_a_tool_returns_becomes_json_that_a_database_takes() -> None:
    loop: list[Any] = []
    loop.extend([loop, loop])
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    values = {
        "enum": Colour.RED, "model": Money(amount=Decimal("1.5")), "data": Place("Rome", date(2026, 1, 2)),
        "set": {"b", "a"}, "nan": [math.nan, math.inf], "bytes": b"\xff", "nul": "a\x00b", "surrogate": "a\ud800",
        "uuid": UUID(int=1), "loop": loop, "deep": deep, "rude": Rude(), "large": 10**5000, 1: Colour.RED,
    }  # fmt: skip
    told = through_json(plain(values))
    told.pop("deep")
    json.dumps(told).encode()
    assert told["loop"] == ["…", "…"]
    assert told["large"].startswith("0x")
    wanted = {"enum": "red", "model": {"amount": "1.5"}, "data": {"name": "Rome", "found": "2026-01-02"},
              "set": ["a", "b"], "nan": [None, None], "bytes": "/w==", "nul": "a�b", "surrogate": "a�",
              "uuid": str(UUID(int=1)), "rude": "Rude", "1": "red"}  # fmt: skip
    assert {key: told[key] for key in wanted} == wanted


@pytest.mark.requirement("law 13")
async def test_a_hostile_tool_result_is_inert_and_ag2s_serializer_is_never_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("AG2's own serializer was used")

    for name in ("serialize_value", "deserialize_value", "deserialize_payload", "event_to_dict"):
        monkeypatch.setattr(own_serializer, name, refuse)
    monkeypatch.setattr("ag2.events.base.event_to_dict", refuse)
    monkeypatch.setattr("ag2.events.base.deserialize_payload", refuse)

    @tool
    def look() -> dict[str, Any]:
        """Look."""
        return HOSTILE

    seen: list[Any] = []

    def respond(c: Conversation) -> Any:
        seen.append(c.tool_results[0]["content"] if c.tool_results else None)
        return "done" if c.tool_results else ToolCall("a", "look", "{}")

    store = MemoryStore()
    await store.run(Agent("a", tools=[look]), respond=respond)
    assert store.results[0].result == HOSTILE
    await store.run(Agent("a", tools=[look]), respond=respond, number=2)
    assert seen == [None, HOSTILE, None, HOSTILE]
    [first, *_] = [decode(row) for row in store.rows if row["kind"] == "result"]
    assert isinstance(first, ToolResultEvent)
    assert first.result == ToolResult(HOSTILE)


def test_the_runtime_does_not_import_ag2s_serializer() -> None:
    forbidden = {"serialize_value", "deserialize_value", "to_dict", "from_dict", "EventLogWriter", "_serialization"}
    for path in Path(mozaiks.runtime.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.attr] if isinstance(node, ast.Attribute) else []
            names += [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            names += (node.module or "").split(".") if isinstance(node, ast.ImportFrom) else []
            assert not forbidden & set(names), path
