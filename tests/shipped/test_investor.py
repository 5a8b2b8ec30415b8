"""The Investor without a model: scores with a step that shows them, money by month, verdict, and the plan's version."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shipped.briefs import BRIEFS
from tests.shipped.test_generator import NO_DETAILS
from tests.shipped.walk import Walk
from workflows_app.shipped.Generator.planning import brief_of, build_workflow
from workflows_app.shipped.Investor.schemas import InvestorBrief
from workflows_app.shipped.Investor.terms import Terms, terms_of, with_words
from workflows_app.shipped.Investor.tools import build_brief, check_source, monthly_budget, reweigh
from workflows_app.shipped.Investor.weighing import budget, runway

TERMS = {"raise_amount": 150_000, "runway_months": 12, "team_cost": 9_000, "currency": "EUR"}
SOURCE = {"artifact_id": "a", "version": 1, "note": "Based on version 1 of the plan."}


def planned(message: str = "Plan a to-do app for families") -> Walk:
    return Walk("Generator").start(message).answer(NO_DETAILS).answer({"approved": True})


def sound(brief: dict[str, Any], plan: dict[str, Any]) -> None:
    InvestorBrief.model_validate(brief)
    json.dumps(brief, allow_nan=False)
    steps = {step["id"] for step in plan["steps"]}
    assert len(brief["scores"]) == 6
    assert all(row["evidence_ref"] in steps for row in brief["scores"]), "each score names a step that exists"
    assert {row["reviewer"] for row in brief["scores"]} == {"market", "product", "finance"}
    cash = brief["terms"]["raise_amount"]
    for row in brief["budget"]:
        cash -= row["cost"]
        assert row["cash"] == pytest.approx(cash, abs=0.02)
    assert [row["month"] for row in brief["budget"]] == list(range(1, len(brief["budget"]) + 1))
    assert sum(use["amount"] for use in brief["use_of_funds"]) == pytest.approx(
        brief["terms"]["raise_amount"], abs=0.011
    )
    assert sum(round(100 * use["share"]) for use in brief["use_of_funds"]) == 100
    for name in ("one_liner", "problem", "solution", "ask"):
        assert len(brief[name].split()) >= 4


@pytest.mark.requirement("B73", "WORKFLOWS Investor")
@pytest.mark.parametrize("message", [message for message, _ in BRIEFS])
def test_each_plan_gets_a_brief_whose_scores_name_its_steps(message: str) -> None:
    generator = planned(message)
    plan = generator.latest("ActionPlan")["workflow"]
    walk = Walk("Investor", artifacts=generator.artifacts).start("Weigh my newest plan.")
    assert walk.asked == "terms"
    walk.answer(TERMS)
    brief = walk.latest("InvestorBrief")
    sound(brief, plan)
    assert brief["source"]["version"] == 1
    assert brief["source"]["artifact_id"] == generator.artifacts["ActionPlan"]["artifact_id"]
    assert [agent for agent, _ in walk.said] == ["market", "product", "finance", "chair", "partner"]
    assert walk.state == "rest"
    assert "version 1" in walk.said[-1][1]


def test_the_verdict_follows_the_money() -> None:
    artifacts = planned().artifacts
    verdicts = []
    for amount in (300_000, 60_000, 2_000):
        walk = Walk("Investor", artifacts=dict(artifacts)).start("Weigh my newest plan.")
        walk.answer({**TERMS, "raise_amount": amount})
        verdicts.append(walk.latest("InvestorBrief")["verdict"])
    assert verdicts == ["invest", "revise", "pass"]


def test_runway_equals_paying_bill_after_bill() -> None:
    terms = Terms(raise_amount=100_000, team_cost=9_000)
    rows = budget({}, terms)
    cash, months = 100_000.0, 0.0
    for row in rows:
        if cash < row["cost"]:
            months += cash / row["cost"]
            break
        cash -= row["cost"]
        months += 1
    assert runway(rows, terms) == pytest.approx(months, abs=0.1)
    assert monthly_budget(100_000, 9_000)["runway_months"] == runway(rows, terms)
    assert monthly_budget(0, 0)["runway_months"] >= 0


def test_a_weak_plan_scores_lower_than_a_sound_one() -> None:
    plan = build_workflow(brief_of("Plan a to-do app for families"))
    bare_steps = [
        {**s, "acceptance": [], "title": f"Code part {n}", "deliverable": "Code", "risk": "high"}
        for n, s in enumerate(plan["steps"])
    ]
    strong = build_brief(plan, SOURCE, Terms(), {}, {}, {})
    weak = build_brief({**plan, "steps": bare_steps, "audience": ""}, SOURCE, Terms(), {}, {}, {})
    assert sum(row["score"] for row in weak["scores"]) < sum(row["score"] for row in strong["scores"]) - 6
    assert weak["verdict"] != "invest"
    assert len(weak["red_flags"]) > len(strong["red_flags"])


def test_a_follow_up_changes_the_terms_and_makes_a_version() -> None:
    walk = Walk("Investor", artifacts=planned().artifacts).start("Weigh my newest plan.").answer(TERMS)
    walk.message("what if we raise 90k for 18 months?")
    walk.message("and a team cost of 5,000?")
    terms = walk.latest("InvestorBrief")["terms"]
    assert (terms["raise_amount"], terms["runway_months"], terms["team_cost"]) == (90_000, 18, 5_000)
    assert walk.artifacts["InvestorBrief"]["version"] == 3


def test_a_newer_plan_is_named() -> None:
    generator = planned()
    walk = Walk("Investor", artifacts=generator.artifacts).start("Weigh my newest plan.").answer(TERMS)
    old = walk.latest("InvestorBrief")
    assert check_source(old, {"current_version": 3})["source"]["note"] == "Based on version 1; now 3."
    assert check_source(old, {"current_version": 1})["source"]["note"] == "Based on version 1 of the plan."
    assert check_source(old, {}) == old
    generator.artifacts["ActionPlan"]["version"] = 3
    walk.message("the plan has changed, look again")
    note = walk.latest("InvestorBrief")["source"]["note"]
    assert note == "Based on version 3; the brief before this one was based on version 1."
    assert note in walk.said[-1][1]


def test_the_investors_own_calculation_is_weighed_in() -> None:
    artifacts = planned().artifacts
    Walk("MozaiksCapital", artifacts=artifacts).start("How should I invest 20,000 euros over 15 years?")
    walk = Walk("Investor", artifacts=artifacts).start("Weigh my newest plan.").answer(TERMS)
    assert any("7.5 times the 20,000 EUR" in flag for flag in walk.latest("InvestorBrief")["red_flags"])


def test_a_model_moves_a_score_by_one_at_most_and_only_with_its_step() -> None:
    plan = build_workflow(brief_of("Plan a to-do app for families"))
    plain = build_brief(plan, SOURCE, Terms(), {}, {}, {})
    row = plain["scores"][1]
    note = {
        "score": {"score": 1, "step": row["evidence_ref"], "reason": "The release reaches nobody outside the circle."},
        "red_flag": "No channel is named at all.",
        "question": "Which channel comes first here?",
    }
    moved = build_brief(plan, SOURCE, Terms(), {"market": note}, {}, {})
    assert moved["scores"][1]["score"] == row["score"] - 1
    assert moved["scores"][1]["reason"] == "The release reaches nobody outside the circle."
    assert "No channel is named at all." in moved["red_flags"]
    elsewhere = {"score": {"score": 1, "step": "s99", "reason": "Nothing is there to be seen."}}
    assert build_brief(plan, SOURCE, Terms(), {"market": elsewhere}, {}, {})["scores"] == plain["scores"]


def test_without_a_plan_the_brief_says_so() -> None:
    walk = Walk("Investor").start("Weigh my newest plan.").answer(TERMS)
    assert walk.latest("InvestorBrief")["verdict"] == "pass"
    assert "no plan" in walk.said[-1][1]


def test_the_action_computes_the_money_again() -> None:
    walk = Walk("Investor", artifacts=planned().artifacts).start("Weigh my newest plan.").answer(TERMS)
    state = walk.latest("InvestorBrief")
    copy = json.loads(json.dumps(state))
    poorer = reweigh(state, {"raise_amount": 30_000})
    InvestorBrief.model_validate(poorer)
    assert poorer["runway_months"] < state["runway_months"]
    assert poorer["verdict"] != "invest"
    assert sum(use["amount"] for use in poorer["use_of_funds"]) == pytest.approx(30_000, abs=0.1)
    assert state == copy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("what if we raise 300k?", (300_000, 12, 9_000)),
        ("raise 1.5 million for 24 months", (1_500_000, 24, 9_000)),
        ("team cost 12,000", (150_000, 12, 12_000)),
        ("raise €250.000", (250_000, 12, 9_000)),
        ("is it still current?", (150_000, 12, 9_000)),
        ("", (150_000, 12, 9_000)),
    ],
)
def test_terms_are_read_from_words(text: str, expected: tuple[float, int, float]) -> None:
    terms = with_words(Terms(), text)
    assert (terms.raise_amount, terms.runway_months, terms.team_cost) == expected


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"raise_amount": "x", "runway_months": -3, "team_cost": True, "currency": "12"}]
)
def test_odd_form_answers_are_assumed_and_named(answer: Any) -> None:
    terms = terms_of(answer)
    assert terms.assumed == ("raise", "months", "team cost")
    assert terms.currency == "EUR"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120), st.floats(0, 1e12), st.integers(1, 60), st.floats(0, 1e10))
def test_any_terms_give_a_sound_brief(text: str, amount: float, months: int, cost: float) -> None:
    plan = build_workflow(brief_of(text))
    terms = with_words(Terms(raise_amount=amount, runway_months=months, team_cost=cost), text)
    brief = build_brief(plan, SOURCE, terms, {}, {"one_liner": text}, {})
    InvestorBrief.model_validate(brief)
    json.dumps(brief, allow_nan=False)
    assert {row["evidence_ref"] for row in brief["scores"]} <= {step["id"] for step in plan["steps"]}
