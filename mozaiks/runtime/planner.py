"""Where a turn stopped, and the smallest thing that continues it.

Rule: a pure function of the turn's stored events; what is stored is never done again (law 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ag2.events import BaseEvent, ModelRequest, ModelResponse, ToolCallEvent, ToolResultEvent


@dataclass(frozen=True)
class Plan:
    """What to do next with a turn.

    ``start``: nothing is stored, ask. ``call_model``: the model has not answered ``request``, or, where that is None,
    has not seen the results of its calls. ``run_tools``: ``calls`` have no stored result. ``end``: a tool's result
    ``final`` is the answer. ``done``: ``response`` is the answer.
    """

    kind: Literal["start", "call_model", "run_tools", "end", "done"]
    request: ModelRequest | None = None
    response: ModelResponse | None = None
    calls: list[ToolCallEvent] = field(default_factory=list)
    results: list[ToolResultEvent] = field(default_factory=list)
    final: ToolResultEvent | None = None


def plan_turn(events: Sequence[BaseEvent]) -> Plan:
    """The plan for a turn whose stored events are ``events``, oldest first."""
    drivers = [n for n, event in enumerate(events) if isinstance(event, (ModelRequest, ModelResponse))]
    if not drivers:
        return Plan("start")
    last = events[drivers[-1]]
    if isinstance(last, ModelRequest):
        return Plan("call_model", request=last)
    assert isinstance(last, ModelResponse)
    if not last.tool_calls.calls:
        return Plan("done", response=last)
    found = {e.parent_id: e for e in events[drivers[-1] + 1 :] if isinstance(e, ToolResultEvent)}
    results = [found[call.id] for call in last.tool_calls.calls if call.id in found]
    missing = [call for call in last.tool_calls.calls if call.id not in found]
    if missing:
        return Plan("run_tools", response=last, calls=missing, results=results)
    final = next((result for result in results if result.result.final), None)
    return Plan("end" if final else "call_model", response=last, results=results, final=final)
