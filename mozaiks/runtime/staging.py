"""What a tool publishes waits here until its result is stored.

Rule: nothing a tool stages has an effect before the transaction that stores the tool's result (law 7).
The variable follows asyncio tasks and the worker threads of plain ``def`` tools; the tools of a child agent see the
call of the agent that asked the child, so what they publish lands with that call's result.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from uuid import UUID

from mozaiks.runtime.plain import plain
from mozaiks.runtime.ports import Artifact


@dataclass
class Staging:
    """One tool call in progress: its stable key and what it published so far."""

    tool_call_id: str
    key: tuple[UUID, int, str]
    """(chat, number of the turn in the chat, tool call id): the same on every re-execution of the call (law 7)."""

    artifacts: list[Artifact] = field(default_factory=list)
    tool_name: str = ""
    closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def stage(self, artifact: Artifact) -> None:
        """Keep ``artifact``, as it is now, for the call's result. Refused to a thread that outlives its call."""
        with self._lock:
            if self.closed:
                raise OutsideTool("This tool call is over; it can no longer publish.")
            self.artifacts.append(replace(artifact, state=plain(artifact.state)))

    def close(self) -> list[Artifact]:
        """End the staging and hand over what was published."""
        with self._lock:
            self.closed = True
            return list(self.artifacts)


class OutsideTool(RuntimeError):
    """A function that works only inside a tool was called elsewhere."""


CURRENT_TOOL: ContextVar[Staging | None] = ContextVar("mozaiks_current_tool", default=None)


def current_tool() -> Staging:
    """The tool call the caller runs in, or :class:`OutsideTool`."""
    staging = CURRENT_TOOL.get()
    if staging is None:
        raise OutsideTool("This works only inside a tool that a workflow's agent called.")
    return staging
