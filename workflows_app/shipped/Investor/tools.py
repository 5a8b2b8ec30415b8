"""What the Investor's agents may call, how the InvestorBrief is compiled, and what users may do to it.

Rule: pure. Scores start from `weighing`; a reviewer moves one by a point at most, and only with a step that exists.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .terms import Terms, terms_of, with_words
from .weighing import Finding, budget, money_score, months_needed, runway, use_of_funds, verdict, weigh

if TYPE_CHECKING:
    from mozaiks.llm.offline import Facts

Json = dict[str, Any]
REVIEWERS = ("market", "product", "finance")

__all__ = ["check_source", "compile_brief", "monthly_budget", "reweigh"]


def monthly_budget(raise_amount: float, team_cost: float, months: int = 12) -> dict[str, Any]:
    """Compute how long a raise lasts at a monthly team cost, with tools and two percent growth a month."""
    terms = terms_of({"raise_amount": raise_amount, "team_cost": team_cost, "runway_months": months})
    rows = budget({}, terms)
    return {
        "runway_months": runway(rows, terms),
        "first_month_cost": rows[0]["cost"],
        "cash_at_the_end": rows[-1]["cash"],
        "months": len(rows),
    }


def compile_brief(output: Any, facts: "Facts") -> Json:
    """The InvestorBrief's state from the plan, the form, the reviewers and the chair."""
    chair = output if isinstance(output, Mapping) else {}
    plan, source = plan_and_source(facts)
    notes = {name: facts.outputs.get(name) for name in REVIEWERS}
    return build_brief(plan, source, terms_now(facts), notes, chair, _investment(facts))


def terms_now(facts: "Facts") -> Terms:
    """The form's terms, with what messages change; what an earlier one changed is in the chat's own brief."""
    terms = terms_of(facts.answers.get("terms"))
    follow_ups = facts.variables.get("follow_ups", 0)
    if not follow_ups:
        return terms
    former = _state(facts, "InvestorBrief").get("terms")
    own = isinstance(former, Mapping) and former.get("key") == _key(facts)
    return with_words(terms_of(former) if own else terms, facts.message)


def plan_and_source(facts: "Facts") -> tuple[Json, Json]:
    """The newest ActionPlan and where it comes from; both tell so when there is none."""
    held = facts.artifacts.get("ActionPlan") or {}
    plan = _state(facts, "ActionPlan").get("workflow")
    plan = plan if isinstance(plan, dict) else {}
    version = int(held.get("version") or 0)
    before = _state(facts, "InvestorBrief").get("source") or {}
    note = f"Based on version {version} of the plan."
    former = before.get("version")
    if before.get("artifact_id") == str(held.get("artifact_id")) and isinstance(former, int) and former < version:
        note = f"Based on version {version}; the brief before this one was based on version {former}."
    return plan, {"artifact_id": str(held.get("artifact_id") or ""), "version": version, "note": note}


def build_brief(
    plan: Mapping[str, Any],
    source: Json,
    terms: Terms,
    notes: Mapping[str, Any],
    chair: Mapping[str, Any],
    investment: Mapping[str, Any],
) -> Json:
    """The brief's state; ``notes`` are the reviewers' outputs, ``investment`` an InvestmentData where there is one."""
    findings = [_moved(one, notes.get(one.reviewer), plan) for one in weigh(plan, terms)]
    rows = budget(plan, terms)
    months = runway(rows, terms)
    decided, conditions = verdict(findings, months, terms, plan)
    return {
        "source": source,
        "one_liner": _line(chair.get("one_liner"), plan) or _one_liner(plan),
        "problem": _line(chair.get("problem"), plan) or _problem(plan),
        "solution": _line(chair.get("solution"), plan) or _solution(plan),
        "scores": [
            {
                "criterion": one.criterion,
                "score": one.score,
                "evidence_ref": one.step,
                "reason": one.reason,
                "reviewer": one.reviewer,
            }
            for one in findings
        ],
        "budget": rows,
        "runway_months": months,
        "ask": (
            f"{terms.raise_amount:,.0f} {terms.currency} to last {terms.runway_months} months at "
            f"{terms.team_cost:,.0f} {terms.currency} a month for the team."
        ),
        "use_of_funds": use_of_funds(plan, terms),
        "red_flags": _red_flags(plan, terms, findings, notes, months, investment),
        "diligence_questions": _questions(plan, notes, terms),
        "verdict": decided,
        "conditions": conditions,
        "currency": terms.currency,
        "months_needed": months_needed(plan),
        "terms": {
            "raise_amount": terms.raise_amount,
            "runway_months": terms.runway_months,
            "team_cost": terms.team_cost,
            "currency": terms.currency,
            "assumed": list(terms.assumed),
            "key": source["artifact_id"],
        },
    }


def reweigh(state: Any, payload: Any) -> Json:
    """Action: compute budget and runway again with other terms. The plan's scores stay; money and verdict follow."""
    given = payload if isinstance(payload, Mapping) else {}
    terms = terms_of(
        {**(state.get("terms") or {}), **{name: value for name, value in given.items() if value is not None}}
    )
    findings = [
        Finding(str(s.get("reviewer")), s["criterion"], s["score"], s["evidence_ref"], s.get("reason", ""))
        for s in state.get("scores") or []
    ]
    plan = {
        "steps": [{"id": one.step, "end_day": 0, "effort_days": 1, "agent": "team"} for one in findings],
        "milestones": [],
    }
    rows = budget(plan, terms)
    months = runway(rows, terms)
    needed = int(state.get("months_needed") or 1)
    findings = [
        replace(one, score=money_score(months, needed)) if one.criterion == "Money lasts" else one for one in findings
    ]
    decided, _ = verdict(findings, months, terms, plan)
    scores = [{**row, "score": one.score} for row, one in zip(state.get("scores") or [], findings, strict=True)]
    for row in scores:
        if row["criterion"] == "Money lasts":
            row["reason"] = f"The money lasts {months:g} months; the plan ends after about {needed}."
    total = sum(use["share"] for use in state.get("use_of_funds") or []) or 1.0
    funds = [
        {**use, "amount": round(terms.raise_amount * use["share"] / total, 2)}
        for use in state.get("use_of_funds") or []
    ]
    ask = (
        f"{terms.raise_amount:,.0f} {terms.currency} to last {terms.runway_months} months at "
        f"{terms.team_cost:,.0f} {terms.currency} a month for the team."
    )
    changed = {"raise_amount": terms.raise_amount, "runway_months": terms.runway_months, "team_cost": terms.team_cost}
    return {
        **state,
        "scores": scores,
        "budget": rows,
        "runway_months": months,
        "verdict": decided,
        "ask": ask,
        "use_of_funds": funds,
        "terms": {**(state.get("terms") or {}), **changed},
    }


def check_source(state: Any, payload: Any) -> Json:
    """Action: note that the plan has a newer version than the brief. Payload {"current_version": 3}."""
    source = dict(state.get("source") or {})
    now = payload.get("current_version") if isinstance(payload, Mapping) else None
    based = source.get("version")
    if not isinstance(now, int) or not isinstance(based, int):
        return {**state}
    source["note"] = (
        f"Based on version {based}; now {now}." if now > based else f"Based on version {based} of the plan."
    )
    return {**state, "source": source}


def _moved(one: Finding, note: Any, plan: Mapping[str, Any]) -> Finding:
    """A finding with its reviewer's step, reason and one point, where the note is about the same step or criterion."""
    said = note.get("score") if isinstance(note, Mapping) else None
    if not isinstance(said, Mapping):
        return one
    known = [str(step["id"]) for step in plan.get("steps") or []]
    step, score = str(said.get("step")), said.get("score")
    if step != one.step or step not in known or not isinstance(score, int) or not 1 <= score <= 5:
        return one
    reason = " ".join(str(said.get("reason") or "").split())[:200]
    moved = max(1, min(5, one.score + (score > one.score) - (score < one.score)))
    return Finding(
        one.reviewer, one.criterion, moved, step, reason if len(reason.split()) >= 4 else one.reason, one.flag
    )


def _red_flags(
    plan: Mapping[str, Any],
    terms: Terms,
    findings: list[Finding],
    notes: Mapping[str, Any],
    months: float,
    investment: Mapping[str, Any],
) -> list[str]:
    flags = [
        f"{one.criterion} scores {one.score} of 5: {one.reason[:1].lower()}{one.reason[1:]}"
        for one in findings
        if one.score <= 2
    ]
    if months < terms.runway_months:
        flags.append(f"The money lasts {months:g} months, not the {terms.runway_months} asked for.")
    flags += [
        f"{risk['risk']} ({risk['likelihood']} likelihood, {risk['impact']} impact)."
        for risk in plan.get("risks") or []
        if risk.get("impact") == "high" and risk.get("likelihood") != "low"
    ][:3]
    flags += [text for name in REVIEWERS if (text := _said(notes.get(name), "red_flag"))]
    held = (investment.get("profile") or {}).get("amount")
    if isinstance(held, int | float) and held > 0 and terms.raise_amount > held:
        currency = investment.get("currency", "")
        flags.append(
            f"The ask is {terms.raise_amount / held:.1f} times the {held:,.0f} {currency} in the "
            "investor's own calculation."
        )
    if terms.assumed:
        flags.append(f"Assumed, not stated: {', '.join(terms.assumed)}.")
    return list(dict.fromkeys(flags))[:7]


def _questions(plan: Mapping[str, Any], notes: Mapping[str, Any], terms: Terms) -> list[str]:
    asked = [text for name in REVIEWERS if (text := _said(notes.get(name), "question"))]
    asked += [str(question) for question in plan.get("questions") or []]
    asked.append(f"Who works for {terms.team_cost:,.0f} {terms.currency} a month, and for how many hours?")
    return list(dict.fromkeys(asked))[:7]


def _said(note: Any, name: str) -> str:
    text = " ".join(str(note.get(name) or "").split())[:200] if isinstance(note, Mapping) else ""
    asks = text.endswith("?") or name != "question"
    return text if len(text.split()) >= 5 and asks and any(c.isalpha() for c in text[:2]) else ""


def _line(text: Any, plan: Mapping[str, Any]) -> str:
    """A chair's line, if it is about this plan: it shares a longer word with the title or the audience."""
    line = " ".join(str(text or "").split())[:200]
    about = {word for word in f"{plan.get('title')} {plan.get('audience')}".lower().split() if len(word) > 3}
    return line if len(line.split()) >= 4 and any(word in line.lower() for word in about) else ""


def _one_liner(plan: Mapping[str, Any]) -> str:
    title, audience = str(plan.get("title") or "A plan without steps"), str(plan.get("audience") or "")
    end = max((float(step.get("end_day") or 0) for step in plan.get("steps") or []), default=0.0)
    whom = "" if not audience or audience.lower() in title.lower() else f", for {audience}"
    return f"{title}{whom}: {len(plan.get('steps') or [])} steps in {end:g} working days."


def _problem(plan: Mapping[str, Any]) -> str:
    risks = plan.get("risks") or [{}]
    audience = str(plan.get("audience") or "the people concerned")
    doubt = str(risks[0].get("risk") or "nobody was asked")
    lead = f"{audience[:1].upper()}{audience[1:]} lack this today; the plan's first doubt is that"
    return f"{lead} {doubt[:1].lower()}{doubt[1:]}."


def _solution(plan: Mapping[str, Any]) -> str:
    steps = plan.get("steps") or []
    busiest = max((step.get("agent") for step in steps), key=[step.get("agent") for step in steps].count, default="")
    heart = [str(step["title"]) for step in steps if step.get("agent") == busiest][:3]
    return f"{plan.get('goal') or 'No goal is written down.'} Its heart: {'; '.join(heart) or 'no steps yet'}."


def _investment(facts: "Facts") -> Mapping[str, Any]:
    return _state(facts, "InvestmentData")


def _state(facts: "Facts", kind: str) -> Mapping[str, Any]:
    held = facts.artifacts.get(kind)
    state = held.get("state") if isinstance(held, Mapping) else None
    return state if isinstance(state, Mapping) else {}


def _key(facts: "Facts") -> str:
    return str(plan_and_source(facts)[1]["artifact_id"])
