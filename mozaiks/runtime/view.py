"""The stored events of an agent as a transcript that every Chat Completions server accepts.

Rule: each assistant message with tool calls is followed at once by exactly one tool message per call, in its order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ag2.events import (
    BaseEvent,
    BinaryInput,
    DataInput,
    Input,
    ModelResponse,
    TextInput,
    ToolCallEvent,
    ToolCallsEvent,
    ToolResult,
    ToolResultEvent,
    ToolResultsEvent,
)

NOT_COMPLETED = "Not completed."
NAME = re.compile(r"[^a-zA-Z0-9_-]")


def model_view(events: Sequence[BaseEvent]) -> list[BaseEvent]:
    """``events`` as a model may see them; a call without a result is told to be not completed."""
    view: list[BaseEvent] = []
    for position, event in enumerate(events):
        if isinstance(event, (ToolResultEvent, ToolResultsEvent, ToolCallEvent, ToolCallsEvent)):
            continue  # results are shown right after the response that asked for them
        if not isinstance(event, ModelResponse) or not event.tool_calls.calls:
            view.append(event)
        else:
            view.append(_readable(event))
            found = _results_after(events, position)
            view.append(ToolResultsEvent([_shown(call, found.get(call.id)) for call in event.tool_calls.calls]))
    return view


def parsed(arguments: str) -> Any:
    """The arguments of a tool call as JSON, or the text itself where it does not parse."""
    try:
        return json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return arguments


def _results_after(events: Sequence[BaseEvent], position: int) -> dict[str, ToolResultEvent]:
    """Results of this response only: some servers use the same call ids again and again."""
    found: dict[str, ToolResultEvent] = {}
    for event in events[position + 1 :]:
        if isinstance(event, ModelResponse):
            break
        for result in event.results if isinstance(event, ToolResultsEvent) else [event]:
            if isinstance(result, ToolResultEvent):
                found[result.parent_id] = result
    return found


def _readable(response: ModelResponse) -> ModelResponse:
    """The response with calls a server takes back: arguments that are an object, names in its alphabet."""
    calls = response.tool_calls.calls
    if all(isinstance(parsed(call.arguments), dict) and call.name and not NAME.search(call.name) for call in calls):
        return response
    return ModelResponse(response.message, tool_calls=ToolCallsEvent([_readable_call(call) for call in calls]))


def _readable_call(call: ToolCallEvent) -> ToolCallEvent:
    arguments = call.arguments if isinstance(parsed(call.arguments), dict) else "{}"
    return ToolCallEvent(id=call.id, name=NAME.sub("_", call.name)[:64] or "unknown", arguments=arguments)


def _shown(call: ToolCallEvent, result: ToolResultEvent | None) -> ToolResultEvent:
    parts = _as_text(result.result.parts) if result else [TextInput(NOT_COMPLETED)]
    return ToolResultEvent(parent_id=call.id, name=call.name, result=ToolResult(parts=parts))


def _as_text(parts: Iterable[Input]) -> list[Input]:
    """A tool message holds text only; anything else is named, so that the model knows it is there."""
    shown: list[Input] = [part if isinstance(part, (TextInput, DataInput)) else _named(part) for part in parts]
    return shown or [TextInput("")]


def _named(part: Input) -> TextInput:
    if isinstance(part, BinaryInput):
        return TextInput(f"[{part.media_type}, {len(part.data)} bytes]")
    return TextInput(f"[{type(part).__name__}]")
