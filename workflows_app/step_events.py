"""A step of a turn as the chat's events, and what an agent remembers of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mozaiks.protocol.events import Event, Said, ToolAnswered, ToolCalled
from mozaiks.runtime.ports import Message, Step

from .deciding import stream_length
from .definitions import AgentSpec
from .models import StoredEvent, Turn


def events_of(turn: Turn, agent: AgentSpec, step: Step) -> list[Event]:
    """The chat events of a step, in their order."""
    events: list[Event] = []
    message = step.message
    if message is not None and (message.text or message.final) and (message.final or step.tool_calls):
        events.append(
            Said(
                source="agent",
                message_id=message.message_id,
                role="assistant",
                agent=turn.agent,
                content=message.text,
                **(_structured(agent, message)),
            )
        )
    for call in step.tool_calls:
        events.append(
            ToolCalled(
                source="agent",
                tool_call_id=call.tool_call_id,
                tool_name=call.tool_name,
                arguments=call.arguments,
                agent=turn.agent,
            )
        )
    if step.tool_result is not None:
        result = step.tool_result
        events.append(
            ToolAnswered(
                source="tool",
                tool_call_id=result.tool_call_id,
                tool_name=result.tool_name,
                status=result.status,
                result=result.result,
                error=result.error,
            )
        )
    return events


def store_events(turn: Turn, events: Sequence[dict[str, Any]]) -> None:
    """Append to what the agent remembers."""
    if events:
        first = stream_length(turn.stream_id)
        StoredEvent.objects.bulk_create(
            StoredEvent(
                app_id=turn.app_id, chat_id=turn.chat_id, stream_id=turn.stream_id, index=first + n, payload=event
            )
            for n, event in enumerate(events)
        )


def _structured(agent: AgentSpec, message: Message) -> dict[str, Any]:
    """The checked answer of an agent that has an output schema, beside its text."""
    if message.output is None:
        return {}
    return {"structured_output": message.output, "structured_schema": agent.output.__name__ if agent.output else None}
