"""The Investor's agents without a language model: each says what the weighing shows from its side.

Rule: pure functions from the conversation; every score and figure is a computed one.
"""

from typing import TYPE_CHECKING, Any

from .terms import terms_of
from .tools import REVIEWERS, build_brief, compile_brief, plan_and_source, terms_now
from .weighing import Finding, budget, runway, weigh

if TYPE_CHECKING:
    from mozaiks.llm.offline import Conversation

Json = dict[str, Any]

_QUESTIONS = {
    "market": "Which ten people have said that they would use or pay for {title}?",
    "product": "Which step of {title} could be left out without losing its point?",
    "finance": "Which cost of {title} is least certain, and how would you know earlier?",
}


def market(c: "Conversation") -> Json:
    """Need and way to the people."""
    return _note(c, "market")


def product(c: "Conversation") -> Json:
    """Clear results and handling of risk."""
    return _note(c, "product")


def finance(c: "Conversation") -> Json:
    """Whether the money lasts, and where it goes."""
    return _note(c, "finance")


def chair(c: "Conversation") -> Json:
    """What it is, why it is needed and how it would be done, in the plan's words."""
    plan, source = plan_and_source(c)
    brief = build_brief(plan, source, terms_now(c), {}, {}, {})
    return {name: brief[name][:160] for name in ("one_liner", "problem", "solution")}


def partner(c: "Conversation") -> str:
    """Tells the verdict and its reasons, or what is missing."""
    plan, source = plan_and_source(c)
    if not plan.get("steps"):
        return "There is no plan to weigh yet. Finish a plan first, then come back; I read its newest version."
    held = (c.artifacts.get("InvestorBrief") or {}).get("state")
    fresh = (
        isinstance(held, dict)
        and (held.get("source") or {}).get("artifact_id") == source["artifact_id"]
        and (held.get("source") or {}).get("version") == source["version"]
    )
    brief = held if fresh and isinstance(held, dict) else compile_brief({}, c)
    best, worst = max(brief["scores"], key=lambda s: s["score"]), min(brief["scores"], key=lambda s: s["score"])
    titles = {step["id"]: step["title"] for step in plan["steps"]}
    said = {"invest": "I would invest.", "revise": "I would not invest yet; revise it first.", "pass": "I pass."}[
        brief["verdict"]
    ]
    lines = [
        f"**{said}** {brief['source']['note']}",
        f"Strongest: {best['criterion'].lower()} ({best['score']} of 5), seen in "
        f'{best["evidence_ref"]} "{titles.get(best["evidence_ref"], "")}". '
        f"Weakest: {worst['criterion'].lower()} ({worst['score']} of 5), seen in "
        f'{worst["evidence_ref"]} "{titles.get(worst["evidence_ref"], "")}": '
        f"{worst['reason'][:1].lower()}{worst['reason'][1:]}",
        f"The ask: {brief['ask']} By my count it lasts {brief['runway_months']:g} months.",
    ]
    if brief["conditions"]:
        lines.append("Conditions: " + " ".join(f"({n}) {text}" for n, text in enumerate(brief["conditions"], 1)))
    if terms_of(c.answers.get("terms")).assumed:
        lines.append("Some terms were assumed; tell me yours.")
    lines.append(
        'Ask "what if we raise 300k?", name another team cost or number of months, or change the plan '
        "and write to me again."
    )
    return "\n\n".join(lines)


def _note(c: "Conversation", reviewer: str) -> Json:
    plan, _ = plan_and_source(c)
    terms = terms_now(c)
    mine = [one for one in weigh(plan, terms) if one.reviewer == reviewer]
    title = str(plan.get("title") or "this plan")
    weakest = min(
        mine,
        key=lambda one: one.score,
        default=Finding(reviewer, "Plan", 1, "s1", "There is no plan with steps to weigh."),
    )
    flag = f"{weakest.reason}" if weakest.score <= 2 else ""
    if reviewer == "finance" and plan.get("steps") and runway(budget(plan, terms), terms) < terms.runway_months:
        flag = f"The money ends before the {terms.runway_months} months that are asked for."
    return {
        "score": {"score": weakest.score, "step": weakest.step[:8], "reason": weakest.reason[:160]},
        "red_flag": flag[:160],
        "question": _QUESTIONS[reviewer].format(title=f'"{title[:60]}"')[:160],
    }


assert set(_QUESTIONS) == set(REVIEWERS)
