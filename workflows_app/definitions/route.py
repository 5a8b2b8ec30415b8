"""The YAML form's route: edges tried in order, and what can be told about them before anything runs.

Rule: the first edge from a place whose `when` holds is taken; where none holds the route fails in a sentence.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .declared import DeclaredEdge
from .expressions import Expression, parse
from .model import AskUser, Complete, Fail, Next, Rest, RouteState, Speak
from .problems import listed

ENTRIES = ("start", "message")
EXITS = ("rest", "end")
MAX_CYCLES = 2000


@dataclass(frozen=True)
class Edge:
    """``index`` is its place in the author's list."""

    index: int
    origin: str
    target: str
    when: Expression | None = None
    add: Mapping[str, int | float] = field(default_factory=dict)

    @staticmethod
    def of(index: int, declared: DeclaredEdge) -> "Edge":
        when = declared["when"]
        return Edge(index, declared["from"], declared["to"], parse(when) if when else None, declared["add"])


class EdgeRoute:
    """The route of a YAML workflow, as a pure and total function of the committed state."""

    def __init__(self, name: str, edges: Sequence[Edge], agents: Collection[str], asks: Collection[str]) -> None:
        self.name, self.agents, self.asks = name, agents, asks
        self.leaving: dict[str, list[Edge]] = {}
        for edge in edges:
            self.leaving.setdefault(edge.origin, []).append(edge)

    def __call__(self, state: RouteState) -> Next:
        origin = state.last
        if origin is None or origin in ENTRIES or origin in EXITS:
            origin = "message" if state.entry == "message" and "message" in self.leaving else "start"
        for edge in self.leaving.get(origin, ()):
            if edge.when is None or edge.when.holds(
                output=state.output, answer=state.answer, variables=state.variables
            ):
                return self._choice(edge)
        return Fail(f"The route of {self.name} has no edge from `{origin}` whose condition holds.")

    def _choice(self, edge: Edge) -> Next:
        if edge.target == "rest":
            return Rest(edge.add)
        if edge.target == "end":
            return Complete(edge.add)
        return AskUser(edge.target, edge.add) if edge.target in self.asks else Speak(edge.target, edge.add)


def route_mistakes(
    edges: Sequence[Edge], agents: Collection[str], asks: Collection[str]
) -> Iterator[tuple[int | str | None, str]]:
    """Mistakes of a route whose edges name known places: ``(edge index | place | None, sentence)``."""
    targets: dict[str, list[Edge]] = {}
    for edge in edges:
        targets.setdefault(edge.origin, []).append(edge)
    if "start" not in targets:
        yield None, "The route has no edge `from: start`."
    yield from _shadowed(targets)

    reached = _closure(ENTRIES, {place: [e.target for e in leaving] for place, leaving in targets.items()})
    for place in (*agents, *asks):
        kind = "Agent" if place in agents else "Human point"
        if place not in reached:
            yield place, f"{kind} `{place}` is unreachable: no path of the route leads from start to it."
        elif place not in targets:
            yield place, f"The route has no end after `{place}`: no edge leaves it, to `rest`, `end` or elsewhere."

    backwards: dict[str, list[str]] = {}
    for edge in edges:
        backwards.setdefault(edge.target, []).append(edge.origin)
    ending = _closure(EXITS, backwards)
    stuck = [p for p in (*ENTRIES, *agents, *asks) if p in targets and p in reached and p not in ending]
    if stuck and not any(place in reached and place not in targets for place in (*agents, *asks)):
        names = listed(f"`{place}`" for place in stuck)
        yield targets[stuck[0]][0].index, f"The route has no end: from {names} no path leads to `rest` or `end`."

    yield from _endless(edges, asks)


def _shadowed(targets: Mapping[str, list[Edge]]) -> Iterator[tuple[int, str]]:
    for origin, leaving in targets.items():
        always = next((edge for edge in leaving if edge.when is None), leaving[-1])
        for edge in leaving[leaving.index(always) + 1 :]:
            sentence = f"This edge is never taken: an edge from `{origin}` above it has no `when` and always applies."
            yield edge.index, sentence


def _closure(begin: Collection[str], following: Mapping[str, Collection[str]]) -> set[str]:
    seen, todo = set(begin), list(begin)
    while todo:
        for place in following.get(todo.pop(), ()):
            if place not in seen:
                seen.add(place)
                todo.append(place)
    return seen


def _endless(edges: Sequence[Edge], asks: Collection[str]) -> Iterator[tuple[int, str]]:
    """Cycles among agents that no counted condition ends. A human point in a cycle makes it wait, which is a cap."""
    inner = [edge for edge in edges if edge.origin not in (*asks, *ENTRIES) and edge.target not in (*asks, *EXITS)]
    signs: dict[str, set[int]] = {}
    for edge in edges:
        for name, amount in edge.add.items():
            signs.setdefault(name, set()).add(1 if amount > 0 else -1)
    steady = {name: next(iter(sign)) for name, sign in signs.items() if len(sign) == 1}
    # An edge that counts its own bound can be in no endless cycle; without these most routes have no cycle left.
    open_edges = [edge for edge in inner if not _capped([edge], steady)]
    for cycle in _cycles(open_edges):
        if not _capped(cycle, steady):
            names = " → ".join([*(edge.origin for edge in cycle), cycle[0].origin])
            yield (
                cycle[-1].index,
                f"The cycle {names} has no cap: give an edge of it a `when` that bounds a variable (`rounds < 3`) and"
                " an edge that adds to it (`add: {rounds: 1}`), or lead it through a human point.",
            )
            return


def _capped(cycle: Sequence[Edge], steady: Mapping[str, int]) -> bool:
    """Whether some variable is bounded by a condition of the cycle and always moved towards it by an edge of it."""
    bounds = {bound for edge in cycle if edge.when for bound in edge.when.bounds()}
    return any((name, steady.get(name)) in bounds for edge in cycle for name in edge.add)


def _cycles(edges: Sequence[Edge]) -> Iterator[list[Edge]]:
    """The simple cycles (at most `MAX_CYCLES` paths are looked at): every endless walk repeats one of them."""
    leaving: dict[str, list[Edge]] = {}
    for edge in edges:
        leaving.setdefault(edge.origin, []).append(edge)
    order = {place: number for number, place in enumerate(leaving)}
    looked = 0
    for first in leaving:
        todo = [[edge] for edge in leaving[first]]
        while todo and looked < MAX_CYCLES:
            looked += 1
            path = todo.pop()
            here = path[-1].target
            if here == first:
                yield path
            elif order.get(here, -1) > order[first] and all(edge.origin != here for edge in path):
                todo.extend([*path, edge] for edge in leaving[here])
