"""Every mistake of an author is reported at its file and line, in a sentence, together with all the others."""

import re
import shutil
from pathlib import Path

import pytest

from workflows_app.definitions import DefinitionError, Problem, load_folder

pytestmark = pytest.mark.requirement("WORKFLOWS format")

TRIP = Path(__file__).parents[2] / "definitions" / "TripPlanner"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(TRIP, tmp_path / "TripPlanner")


def plant(folder: Path, old: str, new: str, file: str = "workflow.yaml") -> int:
    """Replace ``old`` by ``new``; the line it stands on."""
    text = (folder / file).read_text()
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    (folder / file).write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


def problems_of(folder: Path, **known: list[str]) -> list[Problem]:
    with pytest.raises(DefinitionError) as caught:
        load_folder(folder, **known)
    return caught.value.problems


# What is planted in the YAML sample (old text, new text), and the sentence it earns at that line.
PLANTED = {
    "unknown key": ("description:", "descripton:", "A workflow has no key `descripton`. Did you mean `description`?"),
    "unknown key of an agent": ("{prompt: Check cost.", "{promt: Check cost.",
        "no key `promt`. Did you mean `prompt`?"),
    "unknown key of a tool": ("idempotent: false", "idempotant: false", "no key `idempotant`. Did you mean `idemp"),
    "unknown key of a human point": ("expires: 7d", "expire: 7d", "no key `expire`. Did you mean `expires`?"),
    "unknown key of an edge": ("when: answer.approved", "if: answer.approved", "An edge has no key `if`."),
    "unknown key of the limits": ("tokens: 60000", "token: 60000", "no key `token`. Did you mean `tokens`?"),
    "unknown kind of prerequisite": ("{artifact: Budget}", "{artefact: Budget}", "Did you mean `artifact`?"),
    "missing key": ("{kind: approval, ", "{", "Human point `ok` needs `kind`."),
    "missing file": ("prompts/scout.md", "prompts/scuot.md", "is not there. Did you mean `prompts/scout.md`?"),
    "file outside": ("prompts/scout.md", "../scout.md", "is outside the workflow's folder."),
    "missing module": ("tools:search_places", "tool:search_places",
        "There is no `tool.py` in the folder. Did you mean"),
    "missing tool": ("tools:search_places", "tools:search_place", "no `search_place`. Did you mean `search_places`?"),
    "missing schema": ("schemas:Verdict", "schemas:Verdikt", "has no `Verdikt`. Did you mean `Verdict`?"),
    "not a reference": ("tools:search_places", "search_places", "A tool is written `file:name`"),
    "not a tool": ("tools:search_places", "tools:PRICES", "`tools:PRICES` is of type `dict`, not a tool"),
    "not a schema": ("schemas:Verdict", "tools:book", "not a Pydantic model"),
    "same tool twice": ("tools:search_places", "tools:book", "has a tool named `book` already"),
    "artifact without a schema": ("output: schemas:Itinerary, publish", "publish",
        "Artifact `Itinerary` has no schema"),
    "expression outside the grammar": ("not output.ok and", "len(output.ok) and", "`len(…)` is a call"),
    "expression with one equals sign": ("answer.approved", "answer.approved = 1", "`=` is not part of a condition."),
    "unknown variable": ("and revisions <", "and revision <", "`revision` is not among the workflow's `variables`."),
    "unknown field of an output": ("not output.ok", "not output.okay", "has no `okay`. Did you mean `ok`?"),
    "unknown field of an answer": ("answer.approved", "answer.aproved", "has no `aproved`. Did you mean `approved`?"),
    "adding to what is not there": ("add: {revisions: 1}", "add: {revision: 1}", "Did you mean `revisions`?"),
    "adding nothing": ("add: {revisions: 1}", "add: {revisions: 0}", "`add` needs a number other than 0"),
    "unknown target": ("{from: critic, to: ok}", "{from: critic, to: oke}", "no `oke` to lead to. Did you mean `ok`?"),
    "unknown origin": ("{from: critic, to: ok}", "{from: critc, to: ok}",
        "no `critc` to lead from. Did you mean `crit"),
    "an edge out of the end": ("{from: critic, to: ok}", "{from: end, to: ok}", "cannot lead from `end`: nothing"),
    "parallel branches": ("{from: scout, to: planner}", "{from: scout, to: [planner, critic]}",
        "come in a later release"),
    "choice by the model": ("{from: scout, to: planner}", "{from: scout, choose: [planner]}",
        "comes in a later release"),
    "bad policy": ("keywords: [travel]", "on_busy: que", "must be queue or reject or interrupt or steer, not `que`."),
    "bad starter": ("keywords: [travel]", "starts_by: model", "`starts_by` must be user or agent"),
    "bad limit": ("turns: 12", "turns: 0", "`turns` must be a whole number above zero, not `0`."),
    "bad limit of another kind": ("turns: 12", "turns: many", "`turns` must be a whole number above zero, not `many`."),
    "unknown placeholder": ("{message}", "{mesage}", "`{mesage}` is not known"),
    "unknown variable in the seed": ("{message}", "{variables.tenant}", "`{variables.tenant}` is not known"),
    "lonely brace in the seed": ("{message}", "{message} {", "The seed has a single `{`"),
    "reserved name": ("ok: {kind: approval", "rest: {kind: approval", "`rest` is a place every route has"),
    "name of an agent and a human point": ("ok: {kind: approval", "critic: {kind: approval", "already the name of an"),
    "duplicate name": ("planner: {prompt: Make", "scout: {prompt: Make", "`scout` is here twice"),
    "bad expiry": ("expires: 7d", "expires: soon", "`expires` is a time like 90s, 30m, 12h or 7d, not `soon`."),
    "bad effect of expiry": ("on_expiry: cancel", "on_expiry: ignore", "`on_expiry` must be fail or default or cancel"),
    "default without a value": ("on_expiry: cancel", "on_expiry: default", "the two belong together"),
    "default of another shape": ("on_expiry: cancel", "on_expiry: default, default: maybe",
        "default answer does not fit"),
    "form without a schema": (', schema: schemas:Dates}', "}", "is a form and needs a `schema`."),
    "options on a form": ("kind: form,", "kind: form, options: [a],", "`options` is for a question or approval"),
    "view of nothing": ("{Itinerary: table}", "{Itinary: table}", "publishes `Itinary`. Did you mean `Itinerary`?"),
    "bad role": ("{artifact: Budget}", "{role: boss}", "`role` must be owner or member or viewer, not `boss`."),
    "two in one prerequisite": ("{artifact: Budget}", "{artifact: Budget, role: owner}", "A prerequisite is one of"),
    "not a list": ("[travel]", "travel", "`keywords` must be a list of texts."),
    "not a number in JSON": ("{revisions: 0}", "{revisions: .nan}", "is not a number that JSON has."),
    "bad name of a variable": ("{revisions: 0}", "{revisions: 0, output: 1}",
        "`output` cannot be the name of a variable."),
    "python in YAML": ("keywords: [travel]", "keywords: !!python/name:os.system [travel]", "is not plain data."),
    "python in YAML text": ("[travel]", "!!python/name:os.system x", "could not determine a constructor for the tag"),
    "unreachable agent": ("  critic: {", "  spare: {prompt: Idle.}\n  critic: {", "Agent `spare` is unreachable"),
    "unreachable human point": ("  ok: {kind", "  no: {kind: question, prompt: Why}\n  ok: {kind",
        "`no` is unreachable"),
    "edge that is never taken": ("  - {from: ok, to: end, ", "  - {from: ok, to: end}\n  - {from: ok, to: end, ", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_reported_at_its_line(folder: Path, name: str):
    old, new, sentence = PLANTED[name]
    line = plant(folder, old, new)
    found = problems_of(folder)
    sheet = str(folder / "workflow.yaml")
    near = [problem for problem in found if problem.file == sheet and problem.line in (line, line + 1)]
    assert any(sentence in problem.sentence for problem in near), "\n".join(map(str, found))
    for problem in found:
        assert re.fullmatch(r"\S.*[.!?]", problem.sentence, re.DOTALL), "a sentence ends with a full stop"
        assert str(problem) == f"{problem.file}:{problem.line}: {problem.sentence}"


def test_a_human_point_that_only_ends_nowhere_is_a_route_without_an_end(folder: Path):
    plant(folder, "  - {from: ok, to: planner}\n", "")
    line = plant(folder, "  - {from: ok, to: end, when: answer.approved}\n", "")
    found = problems_of(folder)
    assert [problem.sentence for problem in found] == [
        "The route has no end after `ok`: no edge leaves it, to `rest`, `end` or elsewhere."
    ]
    assert 0 < found[0].line < line, "it is said where the human point is declared"


def test_a_route_whose_every_path_goes_round_has_no_end(folder: Path):
    plant(folder, "to: end, when: answer.approved", "to: scout, when: answer.approved")
    (found,) = problems_of(folder)
    assert found.sentence.startswith("The route has no end: from `start`, ")
    assert found.sentence.endswith("no path leads to `rest` or `end`.")


@pytest.mark.parametrize(
    ("when", "add"),
    [
        ("not output.ok", "{revisions: 1}"),  # counted, never bounded
        ("not output.ok and revisions < 2", "{}"),  # bounded, never counted
        ("not output.ok and revisions < 2", "{revisions: -1}"),  # counted away from the bound
        ("not output.ok or revisions < 2", "{revisions: 1}"),  # the bound does not decide
        ("not output.ok and revisions > 2", "{revisions: 1}"),
    ],
)
def test_a_cycle_without_a_cap_is_refused(folder: Path, when: str, add: str):
    line = plant(folder, 'when: "not output.ok and revisions < 2", add: {revisions: 1}', f'when: "{when}", add: {add}')
    (found,) = problems_of(folder)
    assert found.line == line
    assert "has no cap" in found.sentence
    assert "planner → critic" in found.sentence


@pytest.mark.parametrize("when", ["revisions <= 2", "2 > revisions", "revisions < 2 and not output.ok"])
def test_a_bound_may_be_written_either_way(folder: Path, when: str):
    plant(folder, "not output.ok and revisions < 2", when)
    assert load_folder(folder).name == "TripPlanner"


def test_a_cap_may_be_counted_on_another_edge_of_the_cycle(folder: Path):
    plant(folder, ", add: {revisions: 1}", "")
    plant(folder, "{from: planner, to: critic}", "{from: planner, to: critic, add: {revisions: 1}}")
    assert load_folder(folder).name == "TripPlanner"


def test_a_cycle_through_a_human_point_needs_no_cap(folder: Path):
    plant(folder, '  - {from: critic, to: planner, when: "not output.ok and revisions < 2", add: {revisions: 1}}\n', "")
    assert load_folder(folder).name == "TripPlanner", "ok → planner → critic → ok waits for a person each time round"


def test_prerequisites_that_do_not_exist_are_refused_where_what_exists_is_known(folder: Path):
    (found,) = problems_of(folder, known_artifacts=["Budgets"])
    assert found.line == 4
    assert found.sentence == "No workflow publishes an artifact `Budget`. Did you mean `Budgets`?"
    assert load_folder(folder, known_artifacts=["Budget"]).requires
    plant(folder, "{artifact: Budget}", "{workflow: Planner}")
    (found,) = problems_of(folder, known_workflows=["TripPlaner"])
    assert found.sentence.startswith("There is no workflow `Planner`.")


def test_all_mistakes_of_a_folder_are_reported_at_once(folder: Path):
    plant(folder, "description:", "descripton:")
    plant(folder, "turns: 12", "turns: 0")
    plant(folder, "prompts/scout.md", "prompts/none.md")
    plant(folder, "schemas:Verdict", "schemas:Nothing")
    plant(folder, "answer.approved", "answer.approved()")
    found = problems_of(folder)
    assert [problem.line for problem in found] == [2, 6, 10, 15, 26]
    assert len(str(DefinitionError(found)).splitlines()) == 5


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ("import os", "import os, nothing_like_this", 3, "ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("import os", "from schemas import Dates", 3, "with a dot: `from .schemas import …`"),
        ("import os", "import os\nraise RuntimeError('no key')", 4, "RuntimeError: no key"),
        ("import os", "import os\nraise SystemExit(3)", 4, "SystemExit: 3"),
        ("import os", "import os os", 3, "`tools.py` is not Python: invalid syntax"),
        ("import os", "import autogen", 3, "`autogen` belongs to AutoGen 0.x"),
        ("import os", "from autogen.agentchat import GroupChat", 3, "docs/workflows.md#porting"),
        ("import os", "import os\nuser = UserProxyAgent('user')", 4, "`UserProxyAgent` belongs to AutoGen 0.x"),
        ("import os", "import os\nimport ag2\nx = ag2.GroupChat([])", 5, "`GroupChat` belongs to AutoGen 0.x"),
    ],
)
def test_python_that_cannot_be_used_is_reported_at_its_own_line(
    folder: Path, old: str, new: str, line: int, sentence: str
):
    plant(folder, old, new, "tools.py")
    (found,) = problems_of(folder)
    assert (found.file, found.line) == (str(folder / "tools.py"), line)
    assert sentence in found.sentence


def test_a_file_that_is_not_run_is_checked_too(folder: Path):
    (folder / "later.py").write_text("import autogen\n")
    (found,) = problems_of(folder)
    assert found.file == str(folder / "later.py")


def test_python_that_is_refused_is_never_run(folder: Path, tmp_path: Path):
    trace = tmp_path / "ran"
    plant(folder, "import os", f"import autogen\nopen({str(trace)!r}, 'w')", "tools.py")
    problems_of(folder)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "A workflow must be a mapping"),
        ("- a\n- b\n", "A workflow must be a mapping"),
        ("{}", "A workflow needs `workflow`."),
        ("workflow: [", "This is not YAML"),
        ("workflow: a\n---\nworkflow: b\n", "expected a single document"),
        ("workflow: \x00", "The file is not YAML"),
        ("a: &a [*a]\n", "it contains itself"),
        ("a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
         "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
         "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n", "or is too large"),
        ("[" * 3000, "YAML"),
        ("? [a, b]\n: c\n", "A key must be plain text."),
        ("workflow: a\nagents: []\nroute: {}\n", "`agents` must be a mapping."),
        ("workflow: a\nagents: {}\nroute: []\n", "A workflow needs at least one agent."),
        ("workflow: a\nagents: {b: text}\nroute: []\n", "Agent `b` must be a mapping of keys: prompt"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_workflow_is_refused_in_a_sentence(tmp_path: Path, text: str, sentence: str):
    (tmp_path / "workflow.yaml").write_text(text)
    found = problems_of(tmp_path)
    assert any(sentence in problem.sentence for problem in found), found


def test_text_that_is_not_utf8_is_refused(tmp_path: Path):
    (tmp_path / "workflow.yaml").write_bytes(b"workflow: \xff\xfe\xfa")
    (found,) = problems_of(tmp_path)
    assert found.sentence == "The file is not UTF-8 text."


def test_a_folder_has_one_form(tmp_path: Path, folder: Path):
    (found,) = problems_of(tmp_path / "nowhere")
    assert found.sentence == "The folder has no `workflow.yaml` or `workflow.py`."
    (folder / "workflow.py").write_text("")
    (found,) = problems_of(folder)
    assert found.sentence == "The folder has both a `workflow.yaml` and a `workflow.py`; keep one."


def test_yes_no_and_dates_are_text(folder: Path):
    plant(folder, "{revisions: 0}", "{revisions: 0, day: 2026-02-01, on: yes}")
    assert load_folder(folder).variables == {"revisions": 0, "day": "2026-02-01", "on": "yes"}
