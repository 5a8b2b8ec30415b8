"""The agents of the YAML form: prompt, tools, output schema, and what they publish.

Rule: a symbol is imported here only to see that it is there and of the right kind; the declarative part keeps its name.
"""

from .declared import DeclaredAgent, DeclaredTool, label_of
from .located import At
from .reading import Reader
from .sources import Source
from .symbols import output_of

AGENT_KEYS = ("prompt", "tools", "model", "output", "publish", "label", "use")
BESIDE_USE = ("prompt", "tools", "output", "model")


def read_agent(source: Source, top: Reader, name: str) -> DeclaredAgent:
    """The agent ``name``; what is wrong is reported at its line."""
    agent = Reader(source.sheet, ("agents", name), top.value["agents"][name], f"Agent `{name}`", AGENT_KEYS)
    use = agent.reference("use", "An existing agent")
    publish, compiled = _publish(source, agent)
    output = agent.reference("output", "An output schema")
    if output:
        source.resolve(source.symbols.schema, output, (*agent.at, "output"))
    if use:
        _existing(source, agent, name, use)
    elif agent.value and not agent.has("use"):
        agent.require("prompt")
    if publish and not use and not agent.has("output") and not (compiled and publish in top.mapping("artifacts")):
        agent.mistake(f"Artifact `{publish}` has no schema: give agent `{name}` an `output`.", "publish")
    return DeclaredAgent(
        name=name,
        label=agent.text("label") or label_of(name),
        prompt="" if use else source.prompt(agent, "prompt"),
        model=agent.text("model"),
        tools=[] if use else _tools(source, agent),
        output=output,
        publish=publish,
        compile=compiled,
        use=use,
    )


def _existing(source: Source, agent: Reader, name: str, use: str) -> None:
    for key in BESIDE_USE:
        if agent.has(key):
            agent.mistake(f"`{key}` cannot stand beside `use`: the agent is used as it is.", key)
    found = source.resolve(source.symbols.agent, use, (*agent.at, "use"))
    if found is None:
        return
    if found.name != name:
        agent.mistake(f"The agent is named `{found.name}` in Python; name it the same here.", "use")
    if agent.has("publish") and output_of(found) is None:
        agent.mistake(f"The artifact has no schema: agent `{name}` has no `response_schema`.", "publish")


def _publish(source: Source, agent: Reader) -> tuple[str | None, str | None]:
    """The artifact type, and the function that makes its state."""
    value = agent.value.get("publish")
    if not isinstance(value, dict):
        return agent.name("publish"), None
    entry = Reader(source.sheet, (*agent.at, "publish"), value, "`publish`", ("type", "with"))
    entry.require("type")
    compiled = entry.reference("with", "The function that makes the artifact")
    if compiled:
        source.function(compiled, ("output", "facts"), (*entry.at, "with"))
    return entry.name("type"), compiled


def _tools(source: Source, agent: Reader) -> list[DeclaredTool]:
    declared: list[DeclaredTool] = []
    names: dict[str, str] = {}
    for index, item in agent.items("tools"):
        at: At = (*agent.at, "tools", index)
        tool = _tool(source, agent, at, item)
        if not tool["use"]:
            continue
        for found in source.resolve(source.symbols.tools, tool["use"], at) or []:
            if found.name in names:
                sentence = f"{agent.noun} has a tool named `{found.name}` already: `{names[found.name]}`."
                source.sheet.mistake(at, sentence)
            names[found.name] = tool["use"]
            if (tool["approve"] or not tool["idempotent"]) and not hasattr(found, "schema"):
                what = f"`{tool['use']}` finds its tools at run time"
                source.sheet.mistake(at, f"{what}; guarding those one by one comes in a later release.")
        declared.append(tool)
    return declared


def _tool(source: Source, agent: Reader, at: At, item: object) -> DeclaredTool:
    if not isinstance(item, dict):
        use = agent.as_reference(item, "A tool", "tools", at[-1])
        return DeclaredTool(use=use or "", approve=False, idempotent=True)
    entry = Reader(source.sheet, at, item, "A tool", ("use", "approve", "idempotent"))
    entry.require("use")
    given = item.get("approve")
    approve = given if isinstance(given, bool) else entry.choice("approve", ("always", "never"), "never") == "always"
    use = entry.reference("use", "A tool")
    return DeclaredTool(use=use or "", approve=approve, idempotent=entry.flag("idempotent", True))
