"""A loaded workflow: what the engine reads, whichever form its author wrote it in.

Rule: everything here is immutable after loading, and `Definition.next` is pure and total: the same state gives the
same answer, and no state makes it raise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from .seed import fill_seed

if TYPE_CHECKING:
    from mozaiks.llm.offline import Conversation, Facts

OnBusy = Literal["queue", "reject", "interrupt", "steer"]
OnExpiry = Literal["fail", "default", "cancel"]
AskKind = Literal["question", "approval", "form"]


@dataclass(frozen=True)
class RouteState:
    """The committed state a route decides from: the last speaker or human point, and what they said.

    ``last`` is None when a run begins; then ``entry`` says whether the chat starts or a further message came.
    ``output`` is the last agent's structured output (its text where it has no schema), ``answer`` the last answer.
    """

    last: str | None
    entry: Literal["start", "message"] = "start"
    output: Any = None
    answer: Any = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True)
class Speak:
    """The agent named ``agent`` speaks next. ``add`` is added to the variables with this choice."""

    agent: str
    add: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class AskUser:
    """The human point named ``ask`` waits for a person."""

    ask: str
    add: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rest:
    """The run ends and the chat stays IN_PROGRESS; the next message enters the route again."""

    add: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Complete:
    """The workflow is COMPLETED."""

    add: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Fail:
    """The route cannot go on; ``sentence`` says why, for the user."""

    sentence: str
    add: Mapping[str, int | float] = field(default_factory=dict)


Next = Speak | AskUser | Rest | Complete | Fail
Route = Callable[[RouteState], Next]


@dataclass(frozen=True)
class ToolSpec:
    """A tool of an agent: an `ag2` tool under the name the model calls, and how calling it is guarded.

    ``approve``: a person approves each call with its exact arguments. ``idempotent`` False: when a call's outcome is
    unknown after a crash, a person is asked before it runs again (law 7).
    """

    name: str
    tool: Any
    approve: bool = False
    idempotent: bool = True


@dataclass(frozen=True)
class AgentSpec:
    """One agent: what it is told, what it may call, and the artifact its output becomes.

    ``agent`` is an existing `ag2.Agent`, used as it is. ``compile`` makes the artifact's state from the output and the
    facts; without it the output itself is published. ``model`` names an entry of the model list.
    """

    name: str
    label: str
    prompt: str = ""
    tools: tuple[ToolSpec, ...] = ()
    model: str | None = None
    output: type[BaseModel] | None = None
    publish: str | None = None
    compile: Callable[[Any, "Facts"], Any] | None = None
    agent: Any | None = None


@dataclass(frozen=True)
class AskSpec:
    """A human point. ``schema`` is a JSON schema (forms); ``expires`` is in seconds, None means never."""

    name: str
    kind: AskKind
    prompt: str
    schema: dict[str, Any] | None = None
    options: list[str] | None = None
    expires: int | None = None
    on_expiry: OnExpiry = "fail"
    default: Any = None


@dataclass(frozen=True)
class ActionSpec:
    """Something a user may do to an artifact. ``run`` is a pure function ``(state, payload) -> state``;
    ``launch`` names a workflow to start from the artifact instead. ``schema`` is the payload's JSON schema."""

    name: str
    label: str
    run: Callable[[Any, Any], Any] | None = None
    launch: str | None = None
    schema: dict[str, Any] | None = None


@dataclass(frozen=True)
class Limits:
    """What one run may use at most: turns, model tokens, and minutes of running (waiting not counted)."""

    turns: int = 50
    tokens: int = 200_000
    minutes: float = 60


@dataclass(frozen=True)
class Requirement:
    """A prerequisite for starting: a completed workflow, an artifact type, a role, or a setting."""

    kind: Literal["workflow", "artifact", "role", "setting"]
    value: str


@dataclass(frozen=True, eq=False)
class Definition:
    """A workflow as its folder says it. ``declarative`` is what a chat freezes (JSON), ``hash`` its sha256 in hex."""

    name: str
    description: str
    folder: Path
    declarative: dict[str, Any]
    hash: str
    agents: Mapping[str, AgentSpec]
    asks: Mapping[str, AskSpec]
    route: Route
    variables: dict[str, Any]
    limits: Limits
    requires: tuple[Requirement, ...]
    reads: tuple[str, ...]
    artifacts: Mapping[str, type[BaseModel] | None]
    keywords: tuple[str, ...]
    seed: str | None
    starts_by: Literal["user", "agent"]
    on_busy: OnBusy
    model: str | None
    views: dict[str, Any]
    actions: Mapping[str, Mapping[str, ActionSpec]]
    prompts_to_try: list[str]
    expected_minutes: float | None
    offline: Mapping[str, Callable[["Conversation"], Any]]

    def next(self, state: RouteState) -> Next:
        """What comes after ``state``: a speaker, a human point, rest, completion, or a failure in a sentence."""
        return self.route(state)

    def first_message(self, message: str, variables: Mapping[str, Any] | None = None) -> str:
        """The text the first agent hears: the seed filled in, or the user's message where there is no seed."""
        return message if self.seed is None else fill_seed(self.seed, message, variables or self.variables)
