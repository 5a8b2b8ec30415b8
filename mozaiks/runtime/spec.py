"""What a turn is and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from pydantic import BaseModel

from mozaiks.llm.offline import Facts


@dataclass(frozen=True)
class TurnSpec:
    """One agent speaking once: turn ``number`` of the chat.

    ``start`` is the index in the agent's stream where this turn's events begin, fixed when the turn is first run.
    ``variables`` are the values stored now: at the turn's start, or after its last stored step when it runs again.
    ``output_schema`` is a pydantic class or a JSON schema; None leaves it to the agent's own response schema.
    ``approve`` and ``non_idempotent`` are names of tools. ``max_repairs`` (how often an answer that cannot be used is
    asked for again) and ``max_model_calls`` (child agents included) count per execution.
    """

    chat_id: UUID
    number: int
    agent: str
    input: str
    start: int
    variables: dict[str, Any] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    entry: str | None = None
    max_repairs: int = 2
    output_schema: type[BaseModel] | Mapping[str, Any] | None = None
    approve: frozenset[str] = frozenset()
    non_idempotent: frozenset[str] = frozenset()
    max_model_calls: int = 24

    def message_id(self, ordinal: int | str) -> UUID:
        """The id of the turn's message ``ordinal``, from 0: the same on every re-execution."""
        return uuid5(self.chat_id, f"{self.number}:{ordinal}")


@dataclass(frozen=True)
class TurnResult:
    """A finished turn. ``output`` is the checked value of a structured answer, as plain JSON; None for free text."""

    text: str
    output: Any | None
    variables: dict[str, Any]
    message_id: UUID
