"""The route of the YAML form: edges, their conditions, and what they add.

Rule: the graph is checked only when every edge could be read; otherwise its sentences would mislead.
"""

from collections.abc import Collection
from typing import Any

from .declared import Declared, DeclaredEdge
from .expressions import SOURCES, ExpressionError, Name, parse
from .problems import did_you_mean
from .reading import Reader, shown
from .route import ENTRIES, EXITS, Edge, route_mistakes
from .sources import Source


def read_route(source: Source, top: Reader, declared: Declared) -> list[DeclaredEdge]:
    """The edges in the author's order; what is wrong with them or their graph is reported."""
    before = len(source.sheet.problems)
    edges = [_edge(source, index, item, declared) for index, item in top.items("route")]
    agents, asks = [agent["name"] for agent in declared["agents"]], [ask["name"] for ask in declared["asks"]]
    named = len(agents) == len(top.mapping("agents")) and len(asks) == len(top.mapping("ask"))
    if not named or not isinstance(top.value.get("route"), list) or len(source.sheet.problems) > before:
        return edges
    graph = [Edge.of(index, edge) for index, edge in enumerate(edges)]
    for where, sentence in route_mistakes(graph, agents, asks):
        if isinstance(where, str):
            source.sheet.mistake(("agents" if where in agents else "ask", where), sentence)
        else:
            source.sheet.mistake(("route",) if where is None else ("route", where), sentence)
    return edges


def _edge(source: Source, index: int, item: Any, declared: Declared) -> DeclaredEdge:
    agents = {agent["name"]: agent for agent in declared["agents"]}
    asks = {ask["name"]: ask for ask in declared["asks"]}
    edge = Reader(source.sheet, ("route", index), item, "An edge", ("from", "to", "when", "add"))
    if edge.value:
        edge.require("from", "to")
    origin = _place(edge, "from", ("start", "message", *agents, *asks))
    target = _place(edge, "to", (*agents, *asks, "rest", "end"))
    when = edge.text("when")
    if when:
        _when(source, edge, when, agents.get(origin), asks.get(origin), declared)
    return {"from": origin, "to": target, "when": when, "add": _add(edge, declared["variables"])}


def _place(edge: Reader, key: str, places: Collection[str]) -> str:
    if isinstance(edge.value.get(key), list):
        edge.mistake("Parallel branches with a join come in a later release; an edge joins two places.", key)
        return ""
    place = edge.text(key) or ""
    if place in (*EXITS, *ENTRIES) and place not in places:
        what = "nothing leaves it" if place in EXITS else "a route only begins there"
        edge.mistake(f"An edge cannot lead {key} `{place}`: {what}.", key)
    elif place and place not in places:
        edge.mistake(f"There is no `{shown(place)}` to lead {key}.{did_you_mean(place, places)}", key)
    return place


def _add(edge: Reader, variables: dict[str, Any]) -> dict[str, int | float]:
    good: dict[str, int | float] = {}
    for name, amount in edge.mapping("add").items():
        start = variables.get(name)
        if name not in variables:
            hint = did_you_mean(name, variables)
            edge.mistake(f"`{shown(name)}` is not among the workflow's `variables`.{hint}", "add", name)
        elif isinstance(start, bool) or not isinstance(start, int | float):
            edge.mistake(f"`{name}` begins as `{shown(start)}`, which is not a number to add to.", "add", name)
        elif isinstance(amount, bool) or not isinstance(amount, int | float) or amount == 0:
            edge.mistake(f"`add` needs a number other than 0 for `{name}`, not `{shown(amount)}`.", "add", name)
        else:
            good[name] = amount
    return good


def _when(source: Source, edge: Reader, when: str, agent: Any, ask: Any, declared: Declared) -> None:
    try:
        names = list(parse(when).names())
    except ExpressionError as error:
        edge.mistake(f"`when` is outside the grammar: {error}", "when")
        return
    for name in names:
        if sentence := _name_mistake(source, name, agent, ask, declared):
            edge.mistake(sentence, "when")


def _name_mistake(source: Source, name: Name, agent: Any, ask: Any, declared: Declared) -> str | None:
    """What is wrong with a name in the `when` of an edge that leaves ``agent`` or ``ask``."""
    first = name.path[0] if name.path else None
    known: list[str]
    match name.source:
        case "variables":
            known = list(declared["variables"])
            if first and first not in known:
                return f"`{first}` is not among the workflow's `variables`.{did_you_mean(first, [*known, *SOURCES])}"
        case "output" if agent and first:
            if not agent["use"] and not agent["output"]:
                return f"Agent `{agent['name']}` has no `output` schema, so there is no `output.{first}`."
            known = source.fields(agent["output"]) if agent["output"] else []
            if known and first not in known:
                return f"The output of `{agent['name']}` has no `{first}`.{did_you_mean(first, known)}"
        case "answer" if ask and first:
            known = {"approval": ["approved", "comment"], "question": ["text"]}.get(ask["kind"]) or list(
                (ask["schema"] or {}).get("properties", {})
            )
            if known and first not in known:
                return f"The answer to `{ask['name']}` has no `{first}`.{did_you_mean(first, known)}"
        case "answer" if not declared["asks"]:
            return "There is no human point, so there is no `answer`."
        case _:
            pass
    return None
