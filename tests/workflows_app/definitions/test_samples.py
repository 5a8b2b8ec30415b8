"""The sample workflows of the format load, route and freeze as their authors meant."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from workflows_app.definitions import (
    AskUser,
    Complete,
    Definition,
    Fail,
    Limits,
    MissingSymbol,
    Requirement,
    Rest,
    RouteState,
    Speak,
    load_folder,
    load_folders,
    thaw,
)

pytestmark = pytest.mark.requirement("WORKFLOWS format", "law 6")

SAMPLES = Path(__file__).parents[2] / "definitions"
NAMES = ["Budgeter", "Helper", "SalesMemo", "TripPlanner"]


@pytest.fixture
def trip() -> Definition:
    return load_folder(SAMPLES / "TripPlanner")


@pytest.fixture
def memo() -> Definition:
    return load_folder(SAMPLES / "SalesMemo")


def test_all_samples_load_together_without_a_problem():
    definitions, problems = load_folders([SAMPLES / name for name in NAMES])
    assert problems == []
    assert sorted(definitions) == NAMES


def test_the_yaml_sample_says_everything_its_file_says(trip: Definition):
    assert trip.description == "Plans a trip within a budget."
    assert trip.keywords == ("travel",)
    assert trip.requires == (Requirement("artifact", "Budget"),)
    assert trip.variables == {"revisions": 0}
    assert trip.limits == Limits(turns=12, tokens=60000, minutes=10)
    assert trip.first_message("Lisbon {x}") == "Plan this trip: Lisbon {x}"
    assert list(trip.agents) == ["scout", "planner", "critic"]
    assert trip.views == {"Itinerary": "table"}
    assert (trip.on_busy, trip.starts_by, trip.model) == ("queue", "user", None)


def test_agents_have_prompts_from_files_tools_with_their_guards_and_output_schemas(trip: Definition):
    scout, planner = trip.agents["scout"], trip.agents["planner"]
    assert "Call `search_places`" in scout.prompt
    assert [(tool.name, tool.approve, tool.idempotent) for tool in scout.tools] == [
        ("search_places", False, True),
        ("book", True, False),
    ]
    assert planner.model == "strong"
    assert planner.publish == "Itinerary"
    assert planner.output is not None
    assert issubclass(planner.output, BaseModel)
    assert trip.artifacts == {"Itinerary": planner.output}


def test_human_points_have_json_schemas_and_expiry_in_seconds(trip: Definition):
    assert trip.asks["dates"].schema is not None
    assert set(trip.asks["dates"].schema["properties"]) == {"first_day", "last_day", "travellers"}
    ok = trip.asks["ok"]
    assert (ok.kind, ok.expires, ok.on_expiry) == ("approval", 7 * 24 * 3600, "cancel")


def test_a_route_is_walked_edge_by_edge(trip: Definition):
    def after(last: str | None, **known: Any) -> Any:
        return trip.next(RouteState(last, **known))

    assert after(None) == AskUser("dates")
    assert after("dates") == Speak("scout")
    assert after("scout") == Speak("planner")
    assert after("planner") == Speak("critic")
    poor, good = {"ok": False}, {"ok": True}
    assert after("critic", output=poor, variables={"revisions": 0}) == Speak("planner", {"revisions": 1})
    assert after("critic", output=poor, variables={"revisions": 2}) == AskUser("ok")
    assert after("critic", output=good, variables={"revisions": 0}) == AskUser("ok")
    assert after("ok", answer={"approved": True}) == Complete()
    assert after("ok", answer={"approved": False}) == Speak("planner")


def test_a_message_enters_at_start_where_the_route_has_no_message_edge():
    helper = load_folder(SAMPLES / "Helper")
    assert helper.next(RouteState(None)) == Speak("helper")
    assert helper.next(RouteState("helper")) == Rest()
    assert helper.next(RouteState(None, entry="message")) == Speak("helper")
    assert helper.next(RouteState("rest", entry="message")) == Speak("helper")


@pytest.mark.parametrize("state", [RouteState("nobody"), RouteState("critic", variables={}, output=[None])])
def test_a_route_answers_every_state(trip: Definition, state: RouteState):
    assert isinstance(trip.next(state), Fail | AskUser | Speak)


def test_where_no_edge_applies_the_route_fails_in_a_sentence(trip: Definition):
    assert trip.next(RouteState("nobody")) == Fail(
        "The route of TripPlanner has no edge from `nobody` whose condition holds."
    )


def test_the_python_sample_routes_by_its_own_function(memo: Definition):
    assert memo.next(RouteState(None)) == Speak("analyst")
    assert memo.next(RouteState("analyst")) == Speak("writer")
    assert memo.next(RouteState("writer")) == AskUser("send")
    assert memo.next(RouteState("send", answer={"approved": True})) == Complete()
    assert memo.next(RouteState("send", answer={"approved": False})) == Speak("writer")
    assert memo.next(RouteState(None, entry="message")) == Speak("analyst")


def test_the_python_sample_keeps_its_ag2_agents_as_they_are(memo: Definition):
    import ag2

    writer = memo.agents["writer"]
    assert isinstance(writer.agent, ag2.Agent)
    assert writer.output is not None
    assert writer.output.__name__ == "Memo"
    assert writer.publish == "Memo"
    assert [tool.name for tool in memo.agents["analyst"].tools] == ["sales"]
    assert memo.variables == {"tenant": "acme"}
    assert memo.asks["send"].prompt == "Send it?"


def test_a_python_route_that_raises_fails_in_a_sentence(memo: Definition):
    answer = memo.next(RouteState("send", answer=None))
    assert isinstance(answer, Fail)
    assert answer.sentence.startswith("The route of SalesMemo failed after `send`: AttributeError")


def test_a_route_cannot_change_the_state_it_sees(memo: Definition):
    variables = {"tenant": "acme", "list": [1]}
    memo.next(RouteState("send", answer={"approved": True}, variables=variables))
    assert variables == {"tenant": "acme", "list": [1]}


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_comes_back_from_its_frozen_json(name: str):
    loaded = load_folder(SAMPLES / name)
    thawed = thaw(json.loads(json.dumps(loaded.declarative)), loaded.folder)
    assert thawed.hash == loaded.hash
    assert thawed.declarative == loaded.declarative
    assert list(thawed.agents) == list(loaded.agents)
    assert thawed.asks == loaded.asks
    assert thawed.next(RouteState(None)) == loaded.next(RouteState(None))


@pytest.mark.parametrize(
    "frozen", sorted((Path(__file__).parent / "frozen").glob("*.json")), ids=lambda path: path.stem
)
def test_what_an_earlier_version_froze_still_thaws_with_the_hash_it_had(frozen: Path):
    stored = json.loads(frozen.read_text())
    thawed = thaw(stored["declarative"], SAMPLES / thaw_name(stored))
    assert thawed.hash == stored["hash"]
    assert thawed.name == thaw_name(stored)


def thaw_name(stored: dict[str, Any]) -> str:
    return str(stored["declarative"]["workflow"])


def test_comments_and_layout_do_not_change_the_hash_but_words_do(tmp_path: Path, trip: Definition):
    folder = shutil.copytree(SAMPLES / "TripPlanner", tmp_path / "TripPlanner")
    sheet = folder / "workflow.yaml"
    sheet.write_text("# a comment\n\n" + sheet.read_text().replace("{turns: 12,", "{turns:    12,"))
    assert load_folder(folder).hash == trip.hash
    (folder / "prompts/scout.md").write_text("Look elsewhere.")
    assert load_folder(folder).hash != trip.hash


def test_a_frozen_definition_keeps_its_words_after_the_folder_changed(tmp_path: Path):
    folder = shutil.copytree(SAMPLES / "TripPlanner", tmp_path / "TripPlanner")
    before = load_folder(folder)
    (folder / "prompts/scout.md").unlink()
    (folder / "workflow.yaml").write_text("workflow: Other\n")
    after = thaw(before.declarative, folder)
    assert after.agents["scout"].prompt == before.agents["scout"].prompt
    assert after.next(RouteState("dates")) == Speak("scout")


@pytest.mark.parametrize(
    ("file", "old", "new", "missing"),
    [
        ("tools.py", "def book", "def reserve", "tools:book"),
        ("schemas.py", "class Itinerary", "class Plan", "schemas:Itinerary"),
    ],
)
def test_only_a_symbol_that_is_gone_stops_a_thaw_and_it_is_named(
    tmp_path: Path, file: str, old: str, new: str, missing: str
):
    folder = shutil.copytree(SAMPLES / "TripPlanner", tmp_path / "TripPlanner")
    before = load_folder(folder)
    source = (folder / file).read_text()
    (folder / file).write_text(source.replace(old, new))
    with pytest.raises(MissingSymbol, match=missing) as caught:
        thaw(before.declarative, folder)
    assert caught.value.name == missing


def test_an_agent_that_is_gone_from_a_python_workflow_is_named(tmp_path: Path):
    folder = shutil.copytree(SAMPLES / "SalesMemo", tmp_path / "SalesMemo")
    before = load_folder(folder)
    sheet = folder / "workflow.py"
    sheet.write_text(sheet.read_text().replace('Agent("writer"', 'Agent("author"'))
    with pytest.raises(MissingSymbol, match="writer"):
        thaw(before.declarative, folder)


def test_a_form_asked_by_a_frozen_run_keeps_its_schema_when_the_python_model_is_gone(tmp_path: Path):
    folder = shutil.copytree(SAMPLES / "TripPlanner", tmp_path / "TripPlanner")
    before = load_folder(folder)
    source = (folder / "schemas.py").read_text()
    (folder / "schemas.py").write_text(source.replace("class Dates", "class Days"))
    assert thaw(before.declarative, folder).asks["dates"] == before.asks["dates"]
