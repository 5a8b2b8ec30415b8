"""The shipped folders as definitions: they load, freeze, thaw, and ask little of a small model."""

import json
from typing import Any

import pytest

from tests.shipped.walk import definitions
from workflows_app.definitions import thaw

NAMES = ("Generator", "Investor", "MozaiksCapital")


@pytest.mark.requirement("WORKFLOWS the three that ship", "B74")
def test_the_three_load_without_a_problem() -> None:
    assert sorted(definitions()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_frozen_definition_comes_back_the_same(name: str) -> None:
    definition = definitions()[name]
    frozen = json.loads(json.dumps(definition.declarative))
    assert thaw(frozen, definition.folder).hash == definition.hash


@pytest.mark.parametrize("name", NAMES)
def test_every_agent_answers_offline_and_has_a_prompt(name: str) -> None:
    definition = definitions()[name]
    assert set(definition.offline) == set(definition.agents)
    assert all(len(agent.prompt) > 200 for agent in definition.agents.values())


@pytest.mark.parametrize("name", NAMES)
def test_what_an_agent_answers_fits_into_three_hundred_tokens(name: str) -> None:
    for agent in definitions()[name].agents.values():
        if agent.output:
            schema = agent.output.model_json_schema()
            # A token is about four characters; lists count with all their places filled, half full on average.
            assert _longest(schema, schema) / 2 / 4 < 300, agent.name


def test_the_investor_needs_the_generator_and_reads_what_was_made() -> None:
    investor = definitions()["Investor"]
    assert [(need.kind, need.value) for need in investor.requires] == [("workflow", "Generator")]
    assert {"ActionPlan", "InvestmentData"} <= set(investor.reads)


def test_the_plan_can_launch_the_investor() -> None:
    actions = definitions()["Generator"].actions["ActionPlan"]
    assert actions["launch_investor"].launch == "Investor"
    assert actions["revise"].schema is not None


def _longest(schema: dict[str, Any], root: dict[str, Any]) -> int:
    """Characters of the longest JSON that fits ``schema``; a text or list without a limit fails the test."""
    if "$ref" in schema:
        return _longest(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
    if "anyOf" in schema:
        return max(_longest(one, root) for one in schema["anyOf"])
    if "enum" in schema:
        return max(len(str(value)) for value in schema["enum"]) + 2
    match schema.get("type"):
        case "object":
            return sum(len(name) + 6 + _longest(part, root) for name, part in schema["properties"].items())
        case "array":
            assert schema["maxItems"] <= 4
            return int(schema["maxItems"]) * (2 + _longest(schema["items"], root))
        case "string":
            return int(schema["maxLength"]) + 2
        case _:
            return 10
