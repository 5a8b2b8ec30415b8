"""The plain Python form of a workflow: AG2 agents, human points, and a route as one pure function.

Rule: ``route`` decides from its argument alone. It is called again after a crash and must then say the same.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import ag2
from pydantic import BaseModel

from .human import HumanPoint


class Exit:
    """Where a route may lead besides agents and human points: `REST` and `END`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name.upper()


REST = Exit("rest")
"""The run ends, the chat stays IN_PROGRESS, and the next message calls the route with ``entry == "message"``."""

END = Exit("end")
"""The workflow is COMPLETED."""


class View(dict[str, Any]):
    """A mapping whose keys can be read as attributes: ``state.answer.approved``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no {name!r} here, only {', '.join(self) or 'nothing'}") from None


@dataclass(frozen=True)
class State:
    """What a route decides from: copies of committed facts; changing them changes nothing.

    ``last`` is the name of the last agent or human point, None when a run begins (``entry`` then says how).
    """

    last: str | None
    entry: Literal["start", "message"]
    output: Any
    answer: Any
    variables: View
    message: str


Agent = ag2.Agent[Any]
Target = Agent | HumanPoint | Exit


@dataclass(frozen=True, eq=False, kw_only=True)
class _Settings:
    agents: Sequence[Agent]
    route: Callable[[Any], Any]
    asks: Sequence[HumanPoint] = ()
    publish: Mapping[Agent, str | tuple[str, Callable[..., Any]]] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    keywords: Sequence[str] = ()
    requires: Sequence[Mapping[str, str]] = ()
    reads: Sequence[str] = ()
    limits: Mapping[str, int | float] = field(default_factory=dict)
    seed: str | None = None
    starts_by: str = "user"
    on_busy: str = "queue"
    model: str | None = None
    models: Mapping[Agent, str] = field(default_factory=dict)
    approve: Collection[Any] = ()
    not_idempotent: Collection[Any] = ()
    artifacts: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    views: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, Mapping[str, Callable[[Any, Any], Any]]] = field(default_factory=dict)
    prompts_to_try: Sequence[str] = ()
    expected_minutes: float | None = None


@dataclass(frozen=True, eq=False)
class Workflow(_Settings):
    """A whole workflow in Python; ``workflow.py`` assigns one to the name ``workflow``.

    The keywords mean what the keys of the YAML form mean. ``publish`` maps an agent to an artifact type, or to the type
    and a pure function ``(output, facts) -> state``; ``models`` maps an agent to an entry of the model list;
    ``approve`` and ``not_idempotent`` have tools (or their names) whose calls a person approves, or which must not
    run twice; ``artifacts`` gives the schema of types that tools publish. ``route(state)`` returns an agent, a human
    point, `REST` or `END`, or one of them with variables to add to: ``return writer, {"rounds": 1}``.
    """

    name: str
