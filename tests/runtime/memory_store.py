"""An EventStore in memory that behaves like a database, and can die at any call.

Rule: whatever a step holds goes through JSON text, and a crash comes either before the transaction or right after it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from uuid import UUID, uuid4

from mozaiks.llm.entries import ModelEntry, ModelList, offline_entry
from mozaiks.llm.offline import Facts
from mozaiks.runtime.ports import Approval, OpenedCall, Step
from mozaiks.runtime.turn import TurnResult, TurnSpec, run_turn

CHAT = UUID("11111111-2222-4333-8444-555555555555")


class Crash(BaseException):
    """The process died here (kill -9): no ``except Exception`` sees it."""


@dataclass
class MemoryStore:
    """What one agent's stream, one turn and one ledger are in a database."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    ledger: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, Approval] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)
    effects: list[tuple[str, str]] = field(default_factory=list)
    """What tools did: ("run", key), and ("stored", tool_call_id) once a result is committed, in order."""
    execution: int = 0
    calls: int = 0
    names: list[str] = field(default_factory=list)
    crash_at: int | None = None
    crash_when: Literal["before", "after"] = "before"
    raise_at: dict[str, Exception] = field(default_factory=dict)

    # ------------------------------------------------------------------------------------- the port

    async def load(self) -> list[dict[str, Any]]:
        return self._call("load", lambda: json.loads(json.dumps(self.rows)))

    async def open_call(self, *, message_id: UUID, entry: ModelEntry) -> OpenedCall:
        def work() -> OpenedCall:
            attempt = 1 + sum(row["message_id"] == message_id for row in self.ledger.values())
            call_id = uuid4()
            self.ledger[call_id] = {"message_id": message_id, "entry": entry.name, "status": "open", "usage": None}
            return OpenedCall(call_id, attempt)

        return self._call("open_call", work)

    async def fail_call(self, call_id: UUID, *, status: Literal["failed", "aborted"], error: str) -> None:
        self._call("fail_call", lambda: self._close(call_id, status, error=error))

    async def commit(self, step: Step) -> None:
        self._call("commit", lambda: self._commit(step))

    async def append(self, events: list[dict[str, Any]]) -> None:
        self._call("append", lambda: self.rows.extend(through_json(events)))

    async def approval(self, *, tool_call_id: str, tool_name: str, arguments: Any) -> Approval | None:
        through_json(arguments)
        return self._call("approval", lambda: self.answers.get(tool_call_id))

    async def begin_tool(self, *, tool_call_id: str, tool_name: str, idempotent: bool) -> Literal["go", "unknown"]:
        def work() -> Literal["go", "unknown"]:
            if idempotent:
                return "go"
            first = self.begun.setdefault(tool_call_id, self.execution)
            return "go" if first == self.execution else "unknown"

        return self._call("begin_tool", work)

    # ------------------------------------------------------------------------------------ what tests ask

    @property
    def finals(self) -> list[str]:
        return [step.message.text for step in self.steps if step.message and step.message.final]

    @property
    def results(self) -> list[Any]:
        return [step.tool_result for step in self.steps if step.tool_result]

    @property
    def artifacts(self) -> list[Any]:
        return [artifact for step in self.steps for artifact in step.artifacts]

    def count(self, status: str) -> int:
        return sum(row["status"] == status for row in self.ledger.values())

    async def run(self, agent: Any, models: ModelList | None = None, *, number: int = 1, **wanted: Any) -> TurnResult:
        """Run the turn, or what is left of it, as a process that has just started would."""
        self.execution += 1
        respond: Callable[..., Any] | None = wanted.pop("respond", None)
        deltas = wanted.pop("deltas", None) or Recorded()
        values: dict[str, Any] = {"input": "Plan a trip", "facts": Facts(), "variables": dict(self.variables)} | wanted
        start = self.starts.setdefault(number, len(self.rows))
        spec = TurnSpec(chat_id=CHAT, number=number, agent=agent.name, start=start, **values)
        models = models or ModelList((offline_entry(),))
        return await run_turn(agent, spec, store=self, models=models, deltas=deltas, respond=respond)

    # ----------------------------------------------------------------------------------------- inside

    def _call(self, name: str, work: Callable[[], Any]) -> Any:
        self.calls += 1
        self.names.append(name)
        if name in self.raise_at:
            raise self.raise_at[name]
        dies = self.calls == self.crash_at
        if dies and self.crash_when == "before":
            raise Crash(name)
        result = work()
        if dies:
            raise Crash(name)
        return result

    def _commit(self, step: Step) -> None:
        through_json(step.events)
        through_json([asdict(artifact) for artifact in step.artifacts])
        through_json([asdict(call) for call in step.tool_calls])
        if step.call is not None:
            self._close(step.call.call_id, "closed", usage=step.call.usage)
        if step.tool_result is not None:
            through_json(asdict(step.tool_result))
            self.effects.append(("stored", step.tool_result.tool_call_id))
        if step.variables is not None:
            self.variables = through_json(step.variables)
        self.rows.extend(through_json(step.events))
        self.steps.append(step)

    def _close(self, call_id: UUID, status: str, **facts: Any) -> None:
        assert self.ledger[call_id]["status"] == "open", "a ledger row is closed once"
        self.ledger[call_id].update(status=status, **facts)


class Recorded:
    """Deltas as the browser would get them."""

    def __init__(self) -> None:
        self.pushed: list[tuple[UUID, str, int, str]] = []

    def push(self, *, message_id: UUID, agent: str, attempt: int, text: str) -> None:
        self.pushed.append((message_id, agent, attempt, text))

    def text(self, message_id: UUID, attempt: int) -> str:
        return "".join(text for known, _, at, text in self.pushed if (known, at) == (message_id, attempt))


async def until(reached: Callable[[], Any]) -> None:
    """Wait, at most ten seconds, until ``reached``."""
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.001)


def through_json(value: Any) -> Any:
    """``value`` as a database gives it back; a TypeError or ValueError when it is not JSON."""
    return json.loads(json.dumps(value, allow_nan=False))
