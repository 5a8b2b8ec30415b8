"""From the declarative part and Python symbols to a `Definition`.

Rule: loading and thawing go through the same function, so a frozen definition behaves as it did when loaded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import ag2
from pydantic import BaseModel

from .code import SymbolError
from .declared import Declared, DeclaredAgent, definition_hash
from .model import ActionSpec, AgentSpec, AskSpec, Definition, Limits, Requirement, Route, ToolSpec
from .problems import MissingSymbol
from .route import Edge, EdgeRoute
from .symbols import Symbols, as_tools, output_of


@dataclass(frozen=True)
class Parts:
    """What comes from Python: each form finds it in its own way."""

    agents: Mapping[str, AgentSpec]
    route: Route
    schemas: dict[str, type[BaseModel] | None]
    actions: dict[str, dict[str, ActionSpec]]


def build(declared: Declared, folder: Path, symbols: Symbols) -> Definition:
    """A YAML workflow's `Definition`; `MissingSymbol` where Python lacks what it names."""
    agents = {agent["name"]: _agent(agent, symbols) for agent in declared["agents"]}
    edges = [Edge.of(index, edge) for index, edge in enumerate(declared["route"])]
    route = EdgeRoute(declared["workflow"], edges, agents, {ask["name"] for ask in declared["asks"]})
    actions: dict[str, dict[str, ActionSpec]] = {}
    for action in declared["actions"]:
        run = _need(symbols.function, action["use"]) if action["use"] else None
        spec = ActionSpec(action["name"], action["label"], run, action["launch"], action["schema"])
        actions.setdefault(action["artifact_type"], {})[spec.name] = spec
    schemas = {kind: _need(symbols.schema, ref) if ref else None for kind, ref in declared["artifacts"].items()}
    return assemble(declared, folder, symbols, Parts(agents, route, schemas, actions))


def assemble(declared: Declared, folder: Path, symbols: Symbols, parts: Parts) -> Definition:
    """What both forms share: everything but `Parts` comes from the declarative part."""
    schemas = dict(parts.schemas)
    for agent in parts.agents.values():
        if agent.publish and agent.publish not in schemas:
            schemas[agent.publish] = agent.output if agent.compile is None else None
    asks = {ask["name"]: AskSpec(**cast(dict[str, Any], ask)) for ask in declared["asks"]}
    limits = cast(dict[str, Any], declared["limits"])
    requires = tuple(Requirement(cast(Any, item["kind"]), item["value"]) for item in declared["requires"])
    return Definition(
        name=declared["workflow"],
        description=declared["description"],
        folder=folder,
        declarative=cast(dict[str, Any], declared),
        hash=definition_hash(declared),
        agents=MappingProxyType(dict(parts.agents)),
        asks=MappingProxyType(asks),
        route=parts.route,
        variables=dict(declared["variables"]),
        limits=Limits(**limits),
        requires=requires,
        reads=tuple(declared["reads"]),
        artifacts=MappingProxyType(schemas),
        keywords=tuple(declared["keywords"]),
        seed=declared["seed"],
        starts_by=cast(Any, declared["starts_by"]),
        on_busy=cast(Any, declared["on_busy"]),
        model=declared["model"],
        views=dict(declared["views"]),
        actions=MappingProxyType(parts.actions),
        prompts_to_try=list(declared["prompts_to_try"]),
        expected_minutes=declared["expected_minutes"],
        offline=MappingProxyType({n: f for n, f in _responders(symbols).items() if n in parts.agents}),
    )


def _agent(declared: DeclaredAgent, symbols: Symbols) -> AgentSpec:
    if declared["use"]:
        return _existing(declared, _need(symbols.agent, declared["use"]), symbols)
    tools = [
        ToolSpec(tool.name, tool, item["approve"], item["idempotent"])
        for item in declared["tools"]
        for tool in _need(symbols.tools, item["use"])
    ]
    return AgentSpec(
        name=declared["name"],
        label=declared["label"],
        prompt=declared["prompt"],
        tools=tuple(tools),
        model=declared["model"],
        output=_need(symbols.schema, declared["output"]) if declared["output"] else None,
        publish=declared["publish"],
        compile=_need(symbols.function, declared["compile"]) if declared["compile"] else None,
    )


def _existing(declared: DeclaredAgent, agent: ag2.Agent[Any], symbols: Symbols) -> AgentSpec:
    return AgentSpec(
        name=declared["name"],
        label=declared["label"],
        prompt="\n\n".join(agent.system_prompt),
        tools=tuple(ToolSpec(tool.name, tool) for given in agent.tools for tool in as_tools(given, "A tool")),
        output=output_of(agent),
        publish=declared["publish"],
        compile=_need(symbols.function, declared["compile"]) if declared["compile"] else None,
        agent=agent,
    )


def _need(resolve: Callable[[str], Any], reference: str) -> Any:
    try:
        return resolve(reference)
    except SymbolError as error:
        raise MissingSymbol(reference, str(error)) from error


def _responders(symbols: Symbols) -> dict[str, Callable[[Any], Any]]:
    try:
        return symbols.responders()
    except SymbolError:  # it serves the offline model only: a run never stops for it
        return {}
