"""Folders side by side: their Python does not mix, changes are seen, and a bad one never hides a good one."""

import inspect
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflows_app.definitions import (
    Definition,
    DefinitionError,
    RouteState,
    find_folders,
    load_folder,
    load_folders,
    thaw,
)

pytestmark = pytest.mark.requirement("WORKFLOWS format", "law 12")

SAMPLES = Path(__file__).parents[2] / "definitions"
SHEET = """
workflow: {name}
agents: {{helper: {{prompt: Help., tools: [tools:look], output: schemas:Found, publish: {kind}}}}}
route:
  - {{from: start, to: helper}}
  - {{from: helper, to: end}}
"""
SCHEMAS = "from pydantic import BaseModel\n\nclass Found(BaseModel):\n    {field}: str\n"
TOOLS = "from .schemas import Found\n\ndef look(place: str) -> str:\n    '''Look.'''\n    return '{word}'\n"


def write(folder: Path, name: str, *, kind: str = "Found", field: str = "text", word: str = "one") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "workflow.yaml").write_text(SHEET.format(name=name, kind=kind))
    (folder / "schemas.py").write_text(SCHEMAS.format(field=field))
    (folder / "tools.py").write_text(TOOLS.format(word=word))
    return folder


def function_of(definition: Definition) -> Any:
    return inspect.unwrap(definition.agents["helper"].tools[0].tool.model.call)


def look(definition: Definition) -> str:
    return str(function_of(definition)("here"))


def test_two_folders_may_both_have_a_tools_file(tmp_path: Path):
    before = list(sys.path)
    one = load_folder(write(tmp_path / "one", "One", word="one"))
    two = load_folder(write(tmp_path / "two", "Two", word="two", field="other"))
    assert (look(one), look(two)) == ("one", "two")
    assert set(one.agents["helper"].output.model_fields) == {"text"}  # type: ignore[union-attr]
    assert set(two.agents["helper"].output.model_fields) == {"other"}  # type: ignore[union-attr]
    assert sys.path == before
    assert "tools" not in sys.modules
    assert "schemas" not in sys.modules


def test_files_of_a_folder_share_their_classes(tmp_path: Path):
    definition = load_folder(write(tmp_path / "one", "One"))
    assert function_of(definition).__globals__["Found"] is definition.agents["helper"].output


def test_a_changed_file_is_seen_at_once_and_the_old_definition_keeps_its_code(tmp_path: Path):
    old = load_folder(write(tmp_path / "one", "One", word="old"))
    new = load_folder(write(tmp_path / "one", "One", word="new"))  # the same size, within the same second
    assert (look(old), look(new)) == ("old", "new")
    assert look(thaw(old.declarative, old.folder)) == "new", "a frozen run uses current Python"


def test_an_unchanged_folder_is_imported_once(tmp_path: Path):
    folder = write(tmp_path / "one", "One")
    assert load_folder(folder).agents["helper"].output is load_folder(folder).agents["helper"].output


def test_nothing_is_written_into_an_authors_folder(tmp_path: Path):
    folder = write(tmp_path / "one", "One")
    load_folder(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["schemas.py", "tools.py", "workflow.yaml"]


def test_folders_load_from_many_threads_at_once(tmp_path: Path):
    folders = [write(tmp_path / f"w{n}", f"W{n}", word=f"word{n}") for n in range(6)]
    seen: list[str] = []
    threads = [
        threading.Thread(target=lambda f=folder: seen.append(look(load_folder(f)))) for folder in folders * 3
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted(f"word{n}" for n in range(6) for _ in range(3))


def test_a_bad_folder_never_hides_a_good_one(tmp_path: Path):
    good, bad = write(tmp_path / "good", "Good"), write(tmp_path / "bad", "Bad")
    (bad / "tools.py").write_text("def look(:\n")
    definitions, problems = load_folders([bad, good, tmp_path / "gone"])
    assert list(definitions) == ["Good"]
    assert sorted(Path(problem.file).parent.name for problem in problems) == ["bad", "gone"]


def test_a_name_is_taken_once(tmp_path: Path):
    first, second = write(tmp_path / "a", "Same", word="first"), write(tmp_path / "b", "Same", word="second")
    definitions, (problem,) = load_folders([first, second])
    assert look(definitions["Same"]) == "first"
    assert (problem.file, problem.line) == (str(second / "workflow.yaml"), 2)
    assert problem.sentence == f"The name `Same` is taken by the workflow in {first}."


def test_prerequisites_are_checked_across_folders(tmp_path: Path):
    maker, user = write(tmp_path / "maker", "Maker", kind="Plan"), write(tmp_path / "user", "User")
    sheet = user / "workflow.yaml"
    plain = sheet.read_text()
    sheet.write_text(plain + "requires: [{workflow: Maker}, {artifact: Plan}]\nreads: [Plan]\n")
    definitions, problems = load_folders([user, maker])
    assert (sorted(definitions), problems) == (["Maker", "User"], [])

    sheet.write_text(plain + "requires:\n  - {workflow: Makr}\n  - {artifact: Plam}\nreads: [Plane]\n")
    definitions, problems = load_folders([user, maker])
    assert list(definitions) == ["Maker"]
    assert [(problem.line, problem.sentence) for problem in problems] == [
        (8, "There is no workflow `Makr`. Did you mean `Maker`?"),
        (9, "No workflow publishes an artifact `Plam`. Did you mean `Plan`?"),
        (10, "No workflow publishes an artifact `Plane`. Did you mean `Plan`?"),
    ]


@pytest.mark.parametrize(
    ("spoiled", "text"), [("tools.py", "import nothing_like_this\n"), ("workflow.yaml", "workflow: [\n")]
)
def test_a_workflow_is_not_at_fault_for_the_mistakes_of_the_one_it_requires(tmp_path: Path, spoiled: str, text: str):
    maker, user = write(tmp_path / "maker", "Maker", kind="Plan"), write(tmp_path / "user", "User")
    (user / "workflow.yaml").write_text((user / "workflow.yaml").read_text() + "requires: [{workflow: Maker}]\n")
    (user / "workflow.yaml").write_text((user / "workflow.yaml").read_text() + "reads: [Plan]\n")
    (maker / spoiled).write_text(text)
    maker.rename(maker.with_name("Maker"))
    definitions, problems = load_folders([user, maker.with_name("Maker")])
    assert list(definitions) == ["User"]
    assert {Path(problem.file).parent.name for problem in problems} == {"Maker"}


def test_only_folders_with_a_workflow_are_found(tmp_path: Path):
    write(tmp_path / "b", "B")
    write(tmp_path / "a", "A")
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("")
    assert [folder.name for folder in find_folders([tmp_path, tmp_path / "nowhere"])] == ["a", "b"]


def test_responders_for_the_offline_model_come_from_offline_py_by_agents_name(tmp_path: Path):
    folder = write(tmp_path / "one", "One")
    (folder / "offline.py").write_text(
        "from json import dumps\n\ndef helper(conversation):\n    return {'text': conversation.message}\n\n"
        "def other(conversation):\n    return None\n"
    )
    definition = load_folder(folder)
    assert list(definition.offline) == ["helper"]

    (folder / "offline.py").write_text("def helper(conversation)\n")
    with pytest.raises(DefinitionError, match=r"offline\.py:1: `offline\.py` is not Python"):
        load_folder(folder)
    assert thaw(definition.declarative, folder).offline == {}, "a run never stops for its offline responders"


def test_an_artifact_is_made_from_an_output_by_a_pure_function(tmp_path: Path):
    folder = write(tmp_path / "one", "One")
    sheet = folder / "workflow.yaml"
    sheet.write_text(sheet.read_text().replace("publish: Found", "publish: {type: Plan, with: tools:compile_plan}"))
    with pytest.raises(DefinitionError, match=r"`tools\.py` has no `compile_plan`"):
        load_folder(folder)
    tools = folder / "tools.py"
    tools.write_text(tools.read_text() + "\ndef compile_plan(output):\n    return {'plan': output}\n")
    with pytest.raises(DefinitionError, match=r"must take 2 arguments: \(output, facts\)"):
        load_folder(folder)
    tools.write_text(tools.read_text().replace("(output)", "(output, facts)"))
    agent = load_folder(folder).agents["helper"]
    assert agent.publish == "Plan"
    assert agent.compile is not None
    assert agent.compile("x", None) == {"plan": "x"}  # type: ignore[arg-type]


def test_an_existing_agent_is_used_as_it_is(tmp_path: Path):
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "crew.py").write_text("from ag2 import Agent\n\nhelper = Agent('helper', 'Help.')\n")
    (folder / "workflow.yaml").write_text(
        "workflow: One\nagents: {helper: {use: crew:helper}}\n"
        "route:\n  - {from: start, to: helper}\n  - {from: helper, to: rest}\n"
    )
    agent = load_folder(folder).agents["helper"]
    assert agent.agent is not None
    assert (agent.agent.name, agent.prompt) == ("helper", "Help.")


def test_actions_are_functions_of_the_state_or_launches(tmp_path: Path):
    folder = write(tmp_path / "one", "One")
    sheet, tools = folder / "workflow.yaml", folder / "tools.py"
    sheet.write_text(
        sheet.read_text()
        + "actions:\n  Found:\n    mark: tools:mark\n    again: {launch: One, label: Do it again}\n"
    )  # fmt: skip
    tools.write_text(tools.read_text() + "\ndef mark(state, payload):\n    return {**state, 'mark': payload}\n")
    actions = load_folder(folder, known_workflows=[]).actions["Found"]
    assert actions["mark"].run is not None
    assert actions["mark"].run({"a": 1}, 2) == {"a": 1, "mark": 2}
    assert (actions["again"].launch, actions["again"].label) == ("One", "Do it again")


def test_the_hash_is_the_same_in_every_process():
    code = (
        "import sys; from pathlib import Path; from workflows_app.definitions import load_folder;"
        "print(load_folder(Path(sys.argv[1])).hash)"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code, str(SAMPLES / "TripPlanner")],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(SAMPLES.parents[1])},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert hashes == {load_folder(SAMPLES / "TripPlanner").hash + "\n"}


def test_folders_can_be_checked_from_the_command_line(tmp_path: Path):
    write(tmp_path / "good", "Good")
    (write(tmp_path / "bad", "Bad") / "schemas.py").unlink()

    def check(*arguments: str) -> tuple[int, list[str]]:
        command = [sys.executable, "-m", "workflows_app.definitions", *arguments]
        done = subprocess.run(command, cwd=SAMPLES.parents[1], capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()

    assert check(str(tmp_path / "good")) == (0, [f"{tmp_path / 'good'}: Good is in order (1 agents)."])
    status, lines = check(str(tmp_path))
    assert status == 1
    assert any(line.startswith(f"{tmp_path / 'bad' / 'workflow.yaml'}:3: There is no `schemas.py`") for line in lines)
    assert check()[0] == 2


def test_the_format_needs_no_django():
    code = "import sys, workflows_app.definitions, mozaiks.authoring; print('django' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SAMPLES.parents[1])}, capture_output=True, text=True
    )
    assert (done.stdout, done.returncode) == ("False\n", 0), done.stderr


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, item in items for path in paths(item, (*at, key)))]


TRIP = yaml.safe_load((SAMPLES / "TripPlanner" / "workflow.yaml").read_text())
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=5)
    | st.sampled_from(["start", "rest", "planner", "ok", "tools:book", "schemas:Dates", "output.ok", "prompts/x.md"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["from", "to", "when", "use", "kind", "prompt", "type", "x"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(SAMPLES / "TripPlanner", tmp_path_factory.mktemp("fuzz") / "TripPlanner")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(paths(TRIP)), ANYTHING), min_size=1, max_size=3))
def test_whatever_is_written_a_folder_loads_or_is_refused_in_sentences(folder: Path, changes: list[Any]):
    sheet = json.loads(json.dumps(TRIP))
    for path, value in changes:
        inside, good = sheet, bool(path)
        for key in path[:-1]:
            inside = inside[key] if isinstance(inside, dict | list) and _has(inside, key) else None
        if good and isinstance(inside, dict | list) and _has(inside, path[-1]):
            inside[path[-1]] = value
    (folder / "workflow.yaml").write_text(yaml.safe_dump(sheet, allow_unicode=True), encoding="utf-8")
    definition, problems = None, []
    try:
        definition = load_folder(folder)
    except DefinitionError as error:
        problems = error.problems
    assert (definition is None) == bool(problems)
    assert all(problem.line > 0 and problem.sentence.endswith((".", "?")) for problem in problems), problems
    if definition is None:
        return
    assert thaw(json.loads(json.dumps(definition.declarative)), folder).hash == definition.hash
    for last in (None, *definition.agents, *definition.asks):
        definition.next(RouteState(last, variables=definition.variables))


def _has(inside: Any, key: Any) -> bool:
    return key in inside if isinstance(inside, dict) else isinstance(key, int) and key < len(inside)
