"""The authors' page cannot be wrong silently: its examples load, and its keys are the format's."""

import re
from pathlib import Path

import pytest

from workflows_app.definitions import RouteState, Speak, load_folders
from workflows_app.definitions.agent_form import AGENT_KEYS
from workflows_app.definitions.ask_form import KEYS as ASK_KEYS
from workflows_app.definitions.yaml_form import KEYS

pytestmark = pytest.mark.requirement("WORKFLOWS format")

PAGE = (Path(__file__).parents[3] / "docs" / "workflows.md").read_text("utf-8")


def test_every_example_of_the_page_loads_without_a_problem(tmp_path: Path):
    for title, text in re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', PAGE, re.DOTALL):
        (tmp_path / title).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / title).write_text(text)
    definitions, problems = load_folders(sorted(tmp_path.iterdir()))
    assert problems == []
    assert sorted(definitions) == ["Budgeter", "Helper", "Reporter", "SalesMemo", "TripPlanner"]
    assert list(definitions["Reporter"].offline) == ["writer"]
    assert all(isinstance(definitions[name].next(RouteState(None)), Speak) for name in ("Helper", "Reporter"))


def test_the_page_names_every_key_of_the_format():
    for key in (*KEYS, *AGENT_KEYS, *ASK_KEYS):
        assert re.search(rf"^\| `{key}` \|", PAGE, re.MULTILINE), f"{key} is not on the page"


def test_every_link_within_the_page_leads_somewhere():
    anchors = set(re.findall(r'<a id="([\w-]+)">', PAGE))
    assert "porting" in anchors, "sentences of the loader point to it"
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= anchors
