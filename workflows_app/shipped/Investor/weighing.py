"""Weighs a plan: scores with the step that shows each, budget by month, runway, verdict.

Rule: pure; every score names a step that exists in the plan, and the same plan and terms give the same brief.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from .terms import Terms

Json = dict[str, Any]

WORKING_DAYS_A_MONTH = 21
TOKEN_PRICE = 5.0  # of a million tokens, in the brief's currency: a rounded price of large models
LAUNCH_SHARE = 0.08  # of a month's team cost, for tools, hosting, material


@dataclass(frozen=True)
class Finding:
    """One criterion's score (1 to 5) and its reason; ``step`` is the id of the step that shows it."""

    reviewer: str
    criterion: str
    score: int
    step: str
    reason: str
    flag: str = ""


def weigh(plan: Mapping[str, Any], terms: Terms) -> list[Finding]:
    """Six findings, two by each reviewer. A plan without steps gives none."""
    steps = [step for step in plan.get("steps") or [] if isinstance(step, Mapping) and step.get("id")]
    return [*_market(plan, steps), *_product(steps), *_finance(plan, steps, terms)] if steps else []


def budget(plan: Mapping[str, Any], terms: Terms) -> list[Json]:
    """Cost and cash by month, until the money or the asked time is over, at most five years."""
    tokens = float((plan.get("cost") or {}).get("tokens_high") or 0)
    models = tokens / 1e6 * TOKEN_PRICE * 30
    first = terms.team_cost * LAUNCH_SHARE * 3
    rows: list[Json] = []
    cash = terms.raise_amount
    months = min(60, max(terms.runway_months, months_needed(plan)) + 1)
    for month in range(1, months + 1):
        growth = 1 + 0.02 * (month - 1)  # a small team's costs creep
        cost = terms.team_cost * growth + terms.team_cost * LAUNCH_SHARE + models + (first if month == 1 else 0.0)
        cash -= round(cost, 2)
        rows.append({"month": month, "cost": round(cost, 2), "cash": round(cash, 2)})
    return rows


def runway(rows: Sequence[Mapping[str, float]], terms: Terms) -> float:
    """Months until the cash is used up, to a tenth; beyond the budget's end by its last month's cost."""
    cash = terms.raise_amount
    for row in rows:
        if row["cash"] < 0:
            return floor(10 * (row["month"] - 1 + cash / float(row["cost"]))) / 10.0
        cash = row["cash"]
    last = float(rows[-1]["cost"]) if rows else 0.0
    return min(120.0, floor(10 * (len(rows) + cash / last)) / 10) if last else 120.0


def use_of_funds(plan: Mapping[str, Any], terms: Terms) -> list[Json]:
    """The raise by purpose, from the efforts of the plan's agents; shares sum to 1 and amounts to the raise."""
    days: dict[str, float] = {}
    for step in plan.get("steps") or []:
        days[str(step.get("agent"))] = days.get(str(step.get("agent")), 0.0) + float(step.get("effort_days") or 0)
    total = sum(days.values())
    weights = (
        [
            (f"{name.replace('_', ' ').capitalize()}: {_deeds(plan, name)}", 0.78 * part / total)
            for name, part in days.items()
        ]
        if total
        else []
    )
    weights += [("Tools, hosting, material", 0.07), ("Reserve", 0.15 if weights else 0.93)]
    cents = [floor(100 * share * terms.raise_amount) for _, share in weights]
    cents[-1] += round(100 * terms.raise_amount) - sum(cents)
    percents = [floor(100 * share) for _, share in weights]
    percents[-1] += 100 - sum(percents)
    return [
        {"what": what, "amount": cent / 100, "share": part / 100}
        for (what, _), cent, part in zip(weights, cents, percents, strict=True)
    ]


def verdict(findings: Sequence[Finding], months: float, terms: Terms, plan: Mapping[str, Any]) -> tuple[str, list[str]]:
    """invest, revise or pass, and the conditions under which the money would come."""
    if not findings:
        return "pass", ["There is no plan with steps to weigh."]
    mean = sum(one.score for one in findings) / len(findings)
    weakest = min(findings, key=lambda one: one.score)
    needed = months_needed(plan)
    short = months < terms.runway_months
    conditions = [
        f"{one.criterion}: {one.flag} ({one.step})"
        for one in sorted(findings, key=lambda one: one.score)
        if one.flag and one.score <= 3
    ][:3]
    if short:
        monthly = max(0.0, terms.raise_amount / max(terms.runway_months, 1) * 0.85)
        conditions.append(
            f"The money lasts {months:g} of {terms.runway_months} months: raise more, or bring the "
            f"team's cost below {monthly:,.0f} {terms.currency} a month."
        )
    conditions.append(f"Half of it now, the rest when step {_middle(plan)} is accepted.")
    if mean < 2.4 or months < needed / 2 or months < 1:
        return "pass", conditions
    if mean >= 3.5 and weakest.score >= 2 and not short:
        return "invest", conditions
    return "revise", conditions


def step_like(plan: Mapping[str, Any], words: str) -> str:
    """The id of the first step whose text has one of ``words``, or an empty text."""
    wanted = words.split()
    for step in plan.get("steps") or []:
        text = f"{step.get('title')} {step.get('deliverable')}".lower()
        if any(word in text for word in wanted):
            return str(step["id"])
    return ""


def _market(plan: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> list[Finding]:
    ask = step_like(
        plan, "interview ask listen talk speak conversation survey learn collect observe walk measure wishes"
    )
    place = [step["id"] for step in steps].index(ask) if ask else len(steps)
    early = place < max(2, len(steps) // 3)
    named = str(plan.get("audience") or "")
    score = 5 if ask and early and named else 3 if ask else 2
    need = Finding(
        "market",
        "Need of those it is for",
        score,
        ask or str(steps[0]["id"]),
        f"{_upper(named or 'the people')} are asked before anything is built."
        if score == 5
        else "Those it is for are asked, but late."
        if ask
        else "No step asks those it is for.",
        "" if score == 5 else "show with ten named people that they want it",
    )
    seen = step_like(plan, "measure figure count result account review compare report feedback log")
    reach = step_like(
        plan, "launch release publish open invite announce market advert tell present hand hold run"
    ) or str(steps[-1]["id"])
    score = 4 if seen and reach else 3
    way = Finding(
        "market",
        "Way to the people",
        score,
        reach,
        "A step brings it to them and its effect is counted."
        if seen
        else "It is brought to them; its effect is not counted.",
        "name a first channel and what one person won costs",
    )
    return [need, way]


def _product(steps: Sequence[Mapping[str, Any]]) -> list[Finding]:
    checked = sum(1 for step in steps if len(step.get("acceptance") or []) >= 2)
    share = checked / len(steps)
    weakest = min(steps, key=lambda step: (len(step.get("acceptance") or []), str(step["id"])))
    clear = Finding(
        "product",
        "Clear results",
        5 if share > 0.95 else 4 if share > 0.8 else 3 if share > 0.5 else 2,
        str(weakest["id"]),
        f"{checked} of {len(steps)} steps say with two points or more when they are done; {weakest['id']} says least.",
        "say for every step when it is done",
    )
    trial = _first_with(steps, "try trial test pilot rehears") or _first_with(
        steps, "sample inspect verify compare read check review"
    )
    high = [step for step in steps if step.get("risk") == "high"]
    score = 2 + bool(trial) * 2 + (len(high) <= max(1, len(steps) // 5))
    risk = Finding(
        "product",
        "Handling of risk",
        score,
        str((trial or (high[0] if high else steps[0]))["id"]),
        (
            f"It is tried before it goes out; {len(high)} of {len(steps)} steps with a high risk."
            if trial
            else f"Nothing is tried on a small scale; {len(high)} steps with a high risk."
        ),
        f"lower the risk of {high[0]['id']} first" if high else "add a small trial",
    )
    return [clear, risk]


def _first_with(steps: Sequence[Mapping[str, Any]], words: str) -> Mapping[str, Any] | None:
    return next((step for step in steps if any(word in str(step.get("title")).lower() for word in words.split())), None)


def _finance(plan: Mapping[str, Any], steps: Sequence[Mapping[str, Any]], terms: Terms) -> list[Finding]:
    months = runway(budget(plan, terms), terms)
    needed = months_needed(plan)
    last = max(steps, key=lambda step: (float(step.get("end_day") or 0), str(step["id"])))
    score = money_score(months, needed)
    lasts = Finding(
        "finance",
        "Money lasts",
        score,
        str(last["id"]),
        (
            f"The money lasts {months:g} months; the plan ends with {last['id']} after about {needed} "
            f"{'month' if needed == 1 else 'months'}."
        ),
        "raise more or start smaller",
    )
    heavy = max(steps, key=lambda step: (float(step.get("effort_days") or 0), str(step["id"])))
    effort = sum(float(step.get("effort_days") or 0) for step in steps) or 1.0
    part = float(heavy.get("effort_days") or 0) / effort
    score = 5 if part <= 0.15 else 4 if part <= 0.25 else 3 if part <= 0.35 else 2
    spread = Finding(
        "finance",
        "Spread of effort",
        score,
        str(heavy["id"]),
        f"The largest step, {heavy['id']}, takes {100 * part:.0f} % of the effort.",
        f"split {heavy['id']}",
    )
    return [lasts, spread]


def money_score(months: float, needed: int) -> int:
    """1 to 5, by how often the plan's time fits into the runway."""
    ratio = months / max(needed, 1)
    return 5 if ratio >= 3 else 4 if ratio >= 2 else 3 if ratio >= 1.2 else 2 if ratio >= 0.8 else 1


def months_needed(plan: Mapping[str, Any]) -> int:
    """Months until the plan's last step ends."""
    days = max((float(step.get("end_day") or 0) for step in plan.get("steps") or []), default=0.0)
    return max(1, ceil(days / WORKING_DAYS_A_MONTH))


def _middle(plan: Mapping[str, Any]) -> str:
    stones = plan.get("milestones") or []
    ids = [str(one) for stone in stones[len(stones) // 2 :] for one in stone.get("step_ids") or []]
    known = [str(step["id"]) for step in plan.get("steps") or []]
    return next((one for one in ids if one in known), known[len(known) // 2] if known else "s1")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _deeds(plan: Mapping[str, Any], agent: str) -> str:
    titles = [str(step.get("title")) for step in plan.get("steps") or [] if str(step.get("agent")) == agent]
    return (
        titles[0][:1].lower() + titles[0][1:90] + (f" and {len(titles) - 1} more" if len(titles) > 1 else "")
        if titles
        else "its steps"
    )
