"""Who carries runs out: a seam (docs/decisions). Liveness comes from the engine, safety from the fence (law 6).

The rest of the product calls these functions from any thread; without an engine in this process (a management command,
a test) they do nothing, and an engine elsewhere finds the run by its scan.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID


class Engine(Protocol):
    """An implementation of the seam."""

    def wake(self, run_id: UUID) -> None:
        """A run was queued; carry it out soon."""
        ...

    def interrupt(self, run_id: UUID) -> None:
        """A run was stopped or its chat deleted; end its execution now."""
        ...


_engine: Engine | None = None


def use(engine: Engine | None) -> None:
    """Make ``engine`` this process's engine."""
    global _engine
    _engine = engine


def wake(run_id: UUID) -> None:
    if _engine is not None:
        _engine.wake(run_id)


def interrupt(run_id: UUID) -> None:
    if _engine is not None:
        _engine.interrupt(run_id)


def is_running() -> bool:
    """Whether this process carries runs out (readiness)."""
    return _engine is not None
