"""Changing a plan by a comment: what changes, what stays, and what is said."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shipped.test_generator import NO_DETAILS, whole_and_sound
from tests.shipped.walk import Walk, definitions
from workflows_app.definitions import load_folder
from workflows_app.shipped.Generator.planning import brief_of, build_workflow
from workflows_app.shipped.Generator.revision import revise_plan
from workflows_app.shipped.Generator.schedule import dependents
from workflows_app.shipped.Generator.tools import check_dependencies, definition_folder, mark_step, revise

PLAN = build_workflow(brief_of("Plan a to-do app for families"))


def rows(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {step["id"]: step for step in plan["steps"]}


@pytest.mark.requirement("WORKFLOWS Generator actions")
@pytest.mark.parametrize("number", range(1, len(PLAN["steps"]) + 1))
def test_making_a_step_smaller_changes_it_and_what_depends_on_it_only(number: int) -> None:
    one = f"s{number}"
    changed, said = revise_plan(PLAN, f"make step {number} smaller")
    before, after = rows(PLAN), rows(changed)
    assert after[one]["effort_days"] < before[one]["effort_days"]
    assert list(before) == list(after)
    may = {one, *dependents(PLAN["steps"], [one])}
    assert {other for other in before if before[other] != after[other]} <= may
    for name in ("title", "goal", "risks", "guardrails", "questions", "assumptions", "artifacts", "kind"):
        assert changed[name] == PLAN[name]
    assert "smaller" in said[0]


@pytest.mark.parametrize(
    ("comment", "changed_ids"),
    [
        ("step 6 takes 2 weeks", {"s6"}),
        ("rename step 4 to Draw the data map", {"s4"}),
        ("mark step 1 as done", {"s1"}),
        ("assign step 11 to tester", {"s11"}),
        ("step 6 must work offline", {"s6"}),
        ("please make the testing bigger", {"s10"}),
        ("use Flutter", set()),
        ("step 99 smaller", set()),
        ("", set()),
    ],
)
def test_a_comment_changes_the_steps_it_names(comment: str, changed_ids: set[str]) -> None:
    changed, said = revise_plan(PLAN, comment)
    before, after = rows(PLAN), rows(changed)
    touched = {
        one
        for one in before
        if {**before[one], "start_day": 0, "end_day": 0} != {**after[one], "start_day": 0, "end_day": 0}
    }
    assert touched == changed_ids
    assert all(said)
    whole_and_sound(changed)


def test_a_removed_step_hands_its_dependencies_on_and_its_id_is_not_given_again() -> None:
    out, _ = revise_plan(PLAN, "remove step 12")
    again, said = revise_plan(out, "add a step for a press release after step 10")
    assert "s12" not in rows(out)
    assert "s12" in rows(again) or "s13" in rows(again)
    middle, _ = revise_plan(PLAN, "drop step 5")
    assert "s5" not in rows(middle)
    assert set(rows(middle)["s6"]["depends_on"]) == {"s3", "s4"}
    whole_and_sound(middle)
    assert "press release" in said[0]


def test_several_wishes_in_one_comment() -> None:
    changed, said = revise_plan(
        PLAN, "Make step 5 smaller, and remove step 11; add a step for a privacy review after step 9."
    )
    assert "s11" not in rows(changed)
    assert any("privacy review" in step["title"].lower() for step in changed["steps"])
    assert rows(changed)["s5"]["effort_days"] < rows(PLAN)["s5"]["effort_days"]
    assert len(said) >= 3


def test_a_plan_cannot_lose_all_its_steps_or_run_in_a_circle() -> None:
    for comment in ("remove steps 1 to 12", "step 1 depends on step 12", "step 3 after step 10"):
        changed, said = revise_plan(PLAN, comment)
        whole_and_sound(changed)
        assert len(changed["steps"]) == len(PLAN["steps"])
        assert said


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=60),
            st.builds(
                "{} step {} {}".format,
                st.sampled_from(["make", "remove", "split", "merge", "rename", "add a", "move", "mark", "shorten"]),
                st.integers(0, 15),
                st.sampled_from(
                    ["smaller", "", "and 4", "to X y", "before step 2", "after step 9", "as done", "in 3 days"]
                ),
            ),
        ),
        max_size=4,
    )
)
def test_no_comment_breaks_a_plan(comments: list[str]) -> None:
    plan = PLAN
    for comment in comments:
        plan, said = revise_plan(plan, comment)
        assert said
    steps = rows(plan)
    assert len(steps) == len(plan["steps"]) > 0
    assert not check_dependencies(plan["steps"])["cycle"]
    assert not check_dependencies(plan["steps"])["unknown_dependencies"]


@pytest.mark.requirement("B59")
def test_a_comment_at_the_approval_makes_the_next_version() -> None:
    walk = Walk("Generator").start("Plan a to-do app for families").answer(NO_DETAILS)
    first = walk.latest("ActionPlan")["workflow"]
    walk.answer({"approved": False, "comment": "make step 3 smaller"})
    walk.answer({"approved": False, "comment": "make step 3 smaller"})
    second, third = (state["workflow"] for _, state in walk.published[1:])
    days = [rows(plan)["s3"]["effort_days"] for plan in (first, second, third)]
    assert days == sorted(days, reverse=True)
    assert len(set(days)) == 3, "the same wish twice counts twice"
    assert len(third["revision"]["log"]) == 2
    assert walk.artifacts["ActionPlan"]["version"] == 3


def test_another_chats_plan_is_not_revised() -> None:
    other = Walk("Generator").start("Reduce food waste in our canteen").answer(NO_DETAILS)
    walk = Walk("Generator", artifacts=other.artifacts).start("Plan a to-do app for families").answer(NO_DETAILS)
    assert walk.latest("ActionPlan")["workflow"]["title"] == "To-do app for families"


def test_a_model_that_rewrites_everything_changes_only_what_was_asked() -> None:
    walk = Walk("Generator").start("Plan a to-do app for families").answer(NO_DETAILS)
    before = rows(walk.latest("ActionPlan")["workflow"])
    wild = {
        "title": "Other",
        "core_steps": [{"number": n, "title": f"Rewrite families thing {n}", "deliverable": "D"} for n in (1, 2, 5)],
        "summary": "s",
    }
    offline = walk.definition.offline
    walk.speak = lambda agent, c: wild if agent == "designer" else offline[agent](c)
    walk.answer({"approved": False, "comment": "step 9 must follow the law on children's data"})
    after = rows(walk.latest("ActionPlan")["workflow"])
    assert {one for one in before if before[one] != after[one]} == {"s9"}


def test_the_actions_are_pure_and_forgive_odd_payloads() -> None:
    state = {"workflow": PLAN}
    copy = json.loads(json.dumps(state))
    assert rows(mark_step(state, {"step": "3", "status": "done"})["workflow"])["s3"]["status"] == "done"
    assert mark_step(state, {"step": "s99"})["workflow"]["steps"] == PLAN["steps"]
    assert mark_step(state, {"step": "s1", "status": "burnt"}) == state
    assert revise(state, {"comment": ""}) == state
    assert revise({}, {"comment": "x"}) == {}
    assert len(revise(state, {"comment": "split step 3"})["workflow"]["steps"]) == len(PLAN["steps"]) + 1
    assert state == copy


@pytest.mark.requirement("WORKFLOWS Generator definition compiler")
@pytest.mark.parametrize(
    "message", ["Plan a to-do app for families", "Reduce food waste in our canteen", "家族のためのアプリ"]
)
def test_a_plan_downloads_as_a_folder_that_the_loader_accepts(message: str, tmp_path: Any) -> None:
    write(definition_folder({"workflow": build_workflow(brief_of(message))}), tmp_path)
    definition = load_folder(tmp_path)
    assert len(definition.agents) >= 4
    assert list(definition.asks) == ["approve"]


@pytest.mark.parametrize(
    "state",
    [
        {},
        {
            "workflow": {
                "title": 'x"; import os',
                "agents": [{"name": "rest"}, {"name": "a b"}, {"name": "class"}],
                "steps": [],
            }
        },
        {
            "workflow": {
                "title": "None",
                "artifacts": [{"type": "BaseModel", "fields": ["class", "x: int = print(1)", "ok"]}, {"type": 7}],
            }
        },
        {
            "workflow": {
                "goal": "a: b\n- c",
                "agents": [
                    {"name": "x", "prompt": "---\n!!python/object:os.system", "tools": ["os.system", "table_of"]}
                ],
            }
        },
    ],
)
def test_hostile_state_never_reaches_the_folders_python(state: dict[str, Any], tmp_path: Any) -> None:
    files = definition_folder(state)
    write(files, tmp_path)
    definition = load_folder(tmp_path)
    assert definition.agents
    assert "os" not in files["schemas.py"].split()
    assert "print(" not in files["schemas.py"]


def write(files: dict[str, str], folder: Any) -> None:
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def test_the_dependency_tool_finds_what_is_wrong() -> None:
    found = check_dependencies(
        [
            {"id": "a", "depends_on": ["c"], "effort_days": 1},
            {"id": "b", "depends_on": ["a", "z"], "effort_days": 2},
            {"id": "c", "depends_on": ["b"], "effort_days": 3},
            {"id": "c", "depends_on": None, "effort_days": "x"},
        ]
    )
    assert found["repeated_ids"] == ["c"]
    assert found["unknown_dependencies"] == ["z"]
    assert found["critical_path"] == ["c", "a", "b"]
    clean = check_dependencies([{"id": "a", "effort_days": 2}, {"id": "b", "depends_on": ["a"], "effort_days": 3}])
    assert (clean["cycle"], clean["critical_path"], clean["working_days"]) == ([], ["a", "b"], 5)
    ring = check_dependencies([{"id": "a", "depends_on": ["b"]}, {"id": "b", "depends_on": ["a"]}])
    assert set(ring["cycle"]) == {"a", "b"}


def test_the_reviewers_tools_are_there_for_models() -> None:
    assert [tool.name for tool in definitions()["Generator"].agents["reviewer"].tools] == [
        "check_dependencies",
        "estimate_effort_and_cost",
    ]
