"""The plain Python form: ``workflow.py`` with one `Workflow`, read into the same declarative part as YAML.

Rule: its values go through the same reader as the YAML form's, at the lines of the ``Workflow(...)`` call.
"""

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import ag2
from ag2.tools.tool import Tool
from pydantic import BaseModel
from pydantic.errors import PydanticUserError

from mozaiks.authoring import HumanPoint, Workflow

from .artifact_form import check_kinds, check_views, published
from .ask_form import read_ask
from .build import Parts, assemble
from .code import SymbolError
from .declared import Declared, DeclaredAction, DeclaredAgent, DeclaredTool, label_of
from .located import At, Sheet
from .model import ActionSpec, AgentSpec, Definition, ToolSpec
from .problems import MissingSymbol, did_you_mean
from .python_route import PythonRoute
from .reading import NAME, Reader
from .route import ENTRIES, EXITS
from .seed import seed_mistakes
from .settings_form import read_settings
from .sources import Source
from .symbols import Symbols, as_tools, output_of, takes

# Keywords of Workflow that are read as the keys of the YAML form are.
_PLAIN = (
    "description keywords requires reads limits seed starts_by on_busy model views variables prompts_to_try"
    " expected_minutes"
).split()


def python_sheet(path: Path, symbols: Symbols) -> tuple[Sheet, Workflow | None]:
    """``workflow.py`` as a sheet with the lines of its ``Workflow(...)``, and the workflow itself."""
    sheet = Sheet(path, {}, _lines(path))
    try:
        module = symbols.code.module("workflow")
    except SymbolError as error:
        sheet.problems.append(error.problem) if error.problem else sheet.mistake((), str(error))
        return sheet, None
    workflow = getattr(module, "workflow", None)
    if not isinstance(workflow, Workflow):
        sheet.mistake((), "`workflow.py` must assign a `Workflow(...)` from mozaiks.authoring to the name `workflow`.")
        return sheet, None
    given = {key: _plain(getattr(workflow, key)) for key in _PLAIN if getattr(workflow, key) not in ("", (), [], {})}
    sheet.value = {"workflow": workflow.name, "actions": {kind: {} for kind in workflow.actions}, **given}
    for key in given:
        try:
            json.dumps(sheet.value[key], allow_nan=False)
        except (TypeError, ValueError):
            sheet.mistake((key,), f"`{key}` must be plain data (text, numbers, lists, mappings).")
            sheet.value[key] = None
    return sheet, workflow


def read_python(source: Source, workflow: Workflow) -> Declared:
    """The declarative part of a Python workflow; what is wrong is in ``source.sheet.problems``."""
    top = Reader(source.sheet, (), source.sheet.value, "A workflow", ("workflow", "actions", *_PLAIN))
    declared = read_settings(top)
    declared["form"] = "python"
    module = source.symbols.code.module("workflow")
    if not callable(cast(Any, workflow.route)) or not takes(workflow.route, 1):
        top.mistake("`route` must be a function of one argument, the state.", "route")
    declared["agents"] = _agents(top, workflow)
    declared["asks"] = _asks(source, top, workflow, module, {agent["name"] for agent in declared["agents"]})
    declared["artifacts"] = {kind: model.__name__ for kind, model in workflow.artifacts.items()}
    declared["actions"] = [
        DeclaredAction(artifact_type=kind, name=name, label=label_of(name), use=name, launch=None, schema=None)
        for kind, actions in workflow.actions.items()
        for name in actions
    ]
    for key in ("views", "actions"):
        check_kinds(top, key, set(published(declared)))
    check_views(top)
    for sentence in seed_mistakes(declared["seed"] or "", declared["variables"]):
        top.mistake(sentence, "seed")
    return declared


def build_python(declared: Declared, folder: Path, symbols: Symbols) -> Definition:
    """The `Definition` of a Python workflow; `MissingSymbol` names the agent or human point that is gone."""
    try:
        module = symbols.code.module("workflow")
    except SymbolError as error:
        raise MissingSymbol("workflow.py", str(error)) from error
    workflow = getattr(module, "workflow", None)
    if not isinstance(workflow, Workflow):
        raise MissingSymbol("workflow:workflow")
    agents = {agent.name: agent for agent in workflow.agents}
    asks = _ask_names(workflow, module)
    for kind, names, known in (("an agent", declared["agents"], agents), ("a human point", declared["asks"], asks)):
        for item in names:
            if item["name"] not in known:
                raise MissingSymbol(item["name"], f"It was {kind}.")
    actions: dict[str, dict[str, ActionSpec]] = {}
    for action in declared["actions"]:
        kind, name = action["artifact_type"], action["name"]
        if (run := workflow.actions.get(kind, {}).get(name)) is None:
            raise MissingSymbol(name, f"It was an action on {kind}.")
        actions.setdefault(kind, {})[name] = ActionSpec(name, action["label"], run)
    specs = {item["name"]: _spec(item, agents[item["name"]], workflow) for item in declared["agents"]}
    route = PythonRoute(workflow, {id(ask): name for name, ask in asks.items()})
    parts = Parts(agents=specs, route=route, schemas=dict(workflow.artifacts), actions=actions)
    return assemble(declared, folder, symbols, parts)


def _agents(top: Reader, workflow: Any) -> list[DeclaredAgent]:
    declared: list[DeclaredAgent] = []
    if not workflow.agents:
        top.mistake("A workflow needs at least one agent.", "agents")
    known = {name for agent in workflow.agents if isinstance(agent, ag2.Agent) for name in _tool_names(agent.tools)}
    for key, tools in (("approve", workflow.approve), ("not_idempotent", workflow.not_idempotent)):
        for name in _tool_names(tools) - known:
            top.mistake(f"No agent has a tool named `{name}`.{did_you_mean(name, known)}", key)
    for agent in workflow.agents:
        if not isinstance(agent, ag2.Agent):
            top.mistake(f"`agents` has a `{type(agent).__name__}`; it takes `ag2.Agent` objects.", "agents")
            continue
        if not NAME.fullmatch(agent.name) or agent.name in (*ENTRIES, *EXITS):
            top.mistake(f"`{agent.name}` cannot be the name of an agent.", "agents")
        if any(agent.name == other["name"] for other in declared):
            top.mistake(f"Two agents are named `{agent.name}`.", "agents")
        publish, _ = _published(workflow, agent)
        output = output_of(agent)
        if publish and output is None and publish not in workflow.artifacts:
            sentence = f"Artifact `{publish}` has no schema: give agent `{agent.name}` a `response_schema`."
            top.mistake(sentence, "publish")
        declared.append(
            DeclaredAgent(
                name=agent.name,
                label=label_of(agent.name),
                prompt="\n\n".join(agent.system_prompt),
                model=workflow.models.get(agent),
                tools=[
                    DeclaredTool(use=t.name, approve=t.approve, idempotent=t.idempotent)
                    for t in _tools(workflow, agent)
                ],
                output=output.__name__ if output else None,
                publish=publish,
                compile=None,
                use=None,
            )
        )
    for key, chosen in (("publish", workflow.publish), ("models", workflow.models)):
        for agent in chosen:
            if agent not in workflow.agents:
                top.mistake(f"`{key}` names an agent that is not among `agents`.", key)
    return declared


def _asks(source: Source, top: Reader, workflow: Any, module: ModuleType, agents: set[str]) -> list[Any]:
    names = {id(point): name for name, point in _ask_names(workflow, module).items()}
    declared = []
    for point in workflow.asks:
        if not isinstance(point, HumanPoint):
            top.mistake("`asks` takes what question(), approval() and form() give.", "asks")
            continue
        name = names.get(id(point))
        if name is None:
            top.mistake(f"The {point.kind} “{point.prompt}” needs a name: assign it to a variable.", "asks")
            continue
        if name in agents or name in (*ENTRIES, *EXITS):
            top.mistake(
                f"`{name}` cannot be the name of a human point: an agent or a place of the route has it.", "asks"
            )
            continue
        value = {"kind": point.kind, "prompt": point.prompt, "options": _plain(point.options)}
        value |= {"expires": point.expires, "on_expiry": point.on_expiry, "default": _plain(point.default)}
        value["schema"] = _json_schema(top, point.schema)
        declared.append(read_ask(source, name, value))
    return declared


def _json_schema(top: Reader, schema: Any) -> Any:
    if not isinstance(schema, type):
        return _plain(schema)
    try:
        return schema.model_json_schema() if issubclass(schema, BaseModel) else {"type": schema.__name__}
    except PydanticUserError as error:
        top.mistake(f"`{schema.__name__}` has no JSON schema: {error.message}.", "asks")
        return None


def _ask_names(workflow: Workflow, module: ModuleType) -> dict[str, HumanPoint]:
    assigned = {id(value): name for name, value in vars(module).items() if isinstance(value, HumanPoint)}
    found = {}
    for point in workflow.asks:
        name = getattr(point, "name", None) or assigned.get(id(point))
        if name:
            found[name] = point
    return found


def _published(workflow: Workflow, agent: Any) -> tuple[str | None, Any]:
    value = workflow.publish.get(agent)
    return value if isinstance(value, tuple) else (value, None)


def _spec(declared: DeclaredAgent, agent: Any, workflow: Workflow) -> AgentSpec:
    return AgentSpec(
        name=agent.name,
        label=declared["label"],
        prompt=declared["prompt"],
        tools=tuple(_tools(workflow, agent)),
        model=declared["model"],
        output=output_of(agent),
        publish=declared["publish"],
        compile=_published(workflow, agent)[1],
        agent=agent,
    )


def _tools(workflow: Workflow, agent: Any) -> list[ToolSpec]:
    approve, once = _tool_names(workflow.approve), _tool_names(workflow.not_idempotent)
    tools = [tool for given in agent.tools for tool in as_tools(given, "A tool")]
    return [ToolSpec(tool.name, tool, tool.name in approve, tool.name not in once) for tool in tools]


def _tool_names(tools: Any) -> set[str]:
    names: set[str] = set()
    for tool in tools:
        found = as_tools(tool, "A tool") if isinstance(tool, Tool) else [tool]
        names |= {one if isinstance(one, str) else getattr(one, "name", getattr(one, "__name__", "")) for one in found}
    return names


def _plain(value: Any) -> Any:
    """Tuples, read-only mappings and the like as the lists and dicts YAML would give; empty ones as absent."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value


def _lines(path: Path) -> dict[At, int]:
    """The lines of the ``Workflow(...)`` call and its keywords, and of what is assigned at the top (asks)."""
    lines: dict[At, int] = {(): 1}
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    lines["ask", target.id] = node.lineno
            if isinstance(node.value, ast.Call) and any(
                isinstance(t, ast.Name) and t.id == "workflow" for t in targets
            ):
                lines[()] = node.lineno
                lines.update({(word.arg,): word.value.lineno for word in node.value.keywords if word.arg})
    return lines
