"""The plain Python form: its mistakes are reported like YAML's, and its route is pure and total."""

import re
from pathlib import Path

import pytest

from workflows_app.definitions import (
    AskUser,
    Complete,
    Definition,
    DefinitionError,
    Fail,
    Problem,
    Rest,
    RouteState,
    Speak,
    load_folder,
)

pytestmark = pytest.mark.requirement("WORKFLOWS format")

FORM = """\
from ag2 import Agent, Toolkit, tool
from pydantic import BaseModel

from mozaiks.authoring import END, REST, State, Workflow, approval, form, question


class Note(BaseModel):
    text: str
    tags: list[str] = []


@tool
def pay(amount: float) -> str:
    "Pay."
    return "paid"


def look(place: str) -> str:
    "Look."
    return place


def add_tag(state, payload):
    return {**state, "tags": [*state["tags"], payload["tag"]]}


def noted(output, facts):
    return output


clerk = Agent("clerk", "Take notes.", tools=[Toolkit(pay, look)], response_schema=Note)
judge = Agent("judge", "Judge.")
topic = question("What about?", options=["a", "b"], expires="2h", on_expiry="default", default="a")
fields = form("Which?", Note)
go_on = approval("Go on?", name="proceed")


def route(state: State):
    if state.last is None:
        return topic if state.entry == "start" else clerk
    if state.last == "topic":
        return clerk, {"rounds": 1}
    if state.last == "clerk":
        return judge if "x" in state.output.tags else fields
    if state.last == "fields":
        return go_on
    if state.last == "judge":
        return REST
    return END if state.answer.approved else None


workflow = Workflow(
    "Notes",
    agents=[clerk, judge],
    asks=[topic, fields, go_on],
    route=route,
    description="Takes notes.",
    publish={clerk: ("Note", noted)},
    variables={"rounds": 0},
    approve=[pay],
    not_idempotent=["pay"],
    models={clerk: "strong"},
    limits={"turns": 5},
    requires=[{"role": "member"}],
    artifacts={"Extra": Note},
    actions={"Note": {"add_tag": add_tag}},
    views={"Note": "table"},
    seed="About {message} in round {variables.rounds}",
)
"""


def written(folder: Path, old: str = "", new: str = "") -> Path:
    assert FORM.count(old) == 1 or not old
    (folder / "workflow.py").write_text(FORM.replace(old, new) if old else FORM)
    return folder


def problems_of(folder: Path) -> list[Problem]:
    with pytest.raises(DefinitionError) as caught:
        load_folder(folder)
    return caught.value.problems


@pytest.fixture
def notes(tmp_path: Path) -> Definition:
    return load_folder(written(tmp_path))


def test_everything_the_yaml_form_says_can_be_said_in_python(notes: Definition):
    clerk = notes.agents["clerk"]
    assert [(tool.name, tool.approve, tool.idempotent) for tool in clerk.tools] == [
        ("pay", True, False),
        ("look", False, True),
    ]
    assert (clerk.model, clerk.publish, notes.limits.turns) == ("strong", "Note", 5)
    assert clerk.compile is not None
    assert notes.asks["topic"].expires == 7200
    assert notes.asks["topic"].default == {"text": "a"}
    assert list(notes.asks) == ["topic", "fields", "proceed"]
    assert notes.first_message("tea") == "About tea in round 0"
    assert notes.actions["Note"]["add_tag"].run is not None
    assert notes.artifacts["Extra"] is clerk.output


def test_a_python_route_may_lead_anywhere_and_count(notes: Definition):
    assert notes.next(RouteState(None)) == AskUser("topic")
    assert notes.next(RouteState(None, entry="message")) == Speak("clerk")
    assert notes.next(RouteState("rest", entry="message")) == Speak("clerk")
    assert notes.next(RouteState("topic")) == Speak("clerk", {"rounds": 1})
    assert notes.next(RouteState("clerk", output={"text": "", "tags": ["x"]})) == Speak("judge")
    assert notes.next(RouteState("clerk", output={"text": "", "tags": []})) == AskUser("fields")
    assert notes.next(RouteState("fields", answer={})) == AskUser("proceed")
    assert notes.next(RouteState("judge")) == Rest()
    assert notes.next(RouteState("proceed", answer={"approved": True})) == Complete()


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        ("None", "returned `None` at its start, which is no place of it."),
        ("Agent('other', 'x')", "at its start, which is no place of it."),
        ("topic, {'round': 1}", "returned `{'round': 1}` where declared variables and numbers"),
        ("topic, {'rounds': 'one'}", "where declared variables and numbers to add to them are expected."),
        ("1 / 0", "failed at its start: ZeroDivisionError"),
    ],
)
def test_what_a_route_may_not_return_fails_the_run_in_a_sentence(tmp_path: Path, returned: str, sentence: str):
    old = 'return topic if state.entry == "start" else clerk'
    answer = load_folder(written(tmp_path, old, f"return {returned}")).next(RouteState(None))
    assert isinstance(answer, Fail)
    assert answer.sentence.startswith("The route of Notes ")
    assert sentence in answer.sentence


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('    "Notes",\n', '    "No notes",\n', "`workflow` is a name"),
        ("agents=[clerk, judge]", "agents=[]", "A workflow needs at least one agent."),
        ("agents=[clerk, judge]", "agents=[clerk, judge, look]", "`agents` has a `function`"),
        ("agents=[clerk, judge]", "agents=[clerk, judge, Agent('clerk', '')]", "Two agents are named `clerk`."),
        (
            'publish={clerk: ("Note", noted)}',
            "publish={Agent('x', ''): 'Note'}",
            "`publish` names an agent that is not among `agents`.",
        ),
        ("agents=[clerk, judge]", "agents=[clerk, judge, Agent('a b', '')]", "`a b` cannot be the name of an agent."),
        ("asks=[topic, fields, go_on]", "asks=['topic']", "`asks` takes what question(), approval() and form() give."),
        ("asks=[topic, fields, go_on]", "asks=[approval('Sure?')]", "needs a name: assign it to a variable."),
        ("    route=route", "    route=None", "`route` must be a function of one argument, the state."),
        ("    route=route", "    route=lambda: END", "`route` must be a function of one argument, the state."),
        ("approve=[pay]", "approve=['pays']", "No agent has a tool named `pays`. Did you mean `pay`?"),
        ('not_idempotent=["pay"]', 'not_idempotent=["x"]', "No agent has a tool named `x`."),
        ('limits={"turns": 5}', 'limits={"turn": 5}', "`limits` has no key `turn`. Did you mean `turns`?"),
        ('requires=[{"role": "member"}]', 'requires=[{"role": "boss"}]', "`role` must be owner or member or viewer"),
        ('views={"Note": "table"}', 'views={"Not": "table"}', "publishes `Not`. Did you mean `Note`?"),
        ("{variables.rounds}", "{variables.round}", "Did you mean `variables.rounds`?"),
        ('variables={"rounds": 0}', 'variables={"rounds": 0, "x": {1, 2}}', ""),
        ('variables={"rounds": 0}', 'variables={"rounds": 0, "x": END}', "`variables` must be plain data"),
        (
            "publish={clerk:",
            "publish={judge:",
            "Artifact `Note` has no schema: give agent `judge` a `response_schema`.",
        ),
    ],
)
def test_a_planted_mistake_is_reported_at_its_line(tmp_path: Path, old: str, new: str, sentence: str):
    line = FORM[: FORM.index(old)].count("\n") + 1
    if not sentence:
        assert load_folder(written(tmp_path, old, new)).variables["x"] in ([1, 2], [2, 1])
        return
    found = problems_of(written(tmp_path, old, new))
    matching = [problem for problem in found if sentence in problem.sentence]
    assert matching, found
    start = FORM[: FORM.index("workflow = Workflow(")].count("\n") + 1
    assert matching[0].line in (line, start)
    assert matching[0].file == str(tmp_path / "workflow.py")


def test_a_mistake_of_a_human_point_is_at_the_line_of_its_variable(tmp_path: Path):
    (found,) = problems_of(written(tmp_path, 'expires="2h"', 'expires="soon"'))
    assert "`expires` is a time like" in found.sentence
    assert FORM.splitlines()[found.line - 1].startswith("topic = question(")


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("x = 1\n", 1, "must assign a `Workflow(...)` from mozaiks.authoring to the name `workflow`."),
        ("x = 1\nfrom mozaiks.authoring import Work\n", 2, "ImportError"),
        ("from mozaiks.authoring import Workflow\n\nworkflow = Workflow('A', agent=[])\n", 3, "TypeError"),
        ("def f(:\n", 1, "is not Python"),
        ("\nfrom autogen import GroupChat, UserProxyAgent\n", 2, "docs/workflows.md#porting"),
        ("\nimport autogen_agentchat.agents\n", 2, "`autogen_agentchat` belongs to AutoGen 0.x"),
    ],
)
def test_a_file_that_is_no_workflow_is_refused_at_its_line(tmp_path: Path, text: str, line: int, sentence: str):
    (tmp_path / "workflow.py").write_text(text)
    (found,) = problems_of(tmp_path)
    assert (found.file, found.line) == (str(tmp_path / "workflow.py"), line)
    assert re.search(re.escape(sentence), found.sentence)
