"""What the agents may call, how InvestmentData is compiled, and how users compute it again.

Rule: pure; a model's figure is used only where it stands in the user's words.
"""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .market import AS_OF, ASSETS, DISCLAIMER, EQUITIES, SOURCE
from .portfolio import Inputs, Outcome, compound, rebalancing, simulate, stress
from .reading import is_about_money, numbers_in, read_inputs, relative_changes
from .wording import assumptions, difference, money, percent, question_lines, reason_for, risk_lines

if TYPE_CHECKING:
    from mozaiks.llm.offline import Facts

Json = dict[str, Any]
_FIELDS = ("amount", "currency", "years", "monthly", "risk", "fee", "inflation", "goal", "equity", "exclude")

__all__ = ["compile_investment", "compound_growth", "project_portfolio", "recalculate"]


def project_portfolio(
    amount: float,
    years: float,
    monthly: float = 0,
    risk: str = "medium",
    fee_percent: float = 0.5,
    goal: float | None = None,
) -> dict[str, Any]:
    """Compute allocation, outcomes and risk of an investment. risk: low, medium or high; fee in percent a year."""
    inputs = _inputs(
        {"amount": amount, "years": years, "monthly": monthly, "risk": risk, "fee": fee_percent / 100, "goal": goal}
    )
    outcome = simulate(inputs)
    last = outcome.projection[-1]
    return {
        "allocation": {asset.name: weight for asset, weight in outcome.weights},
        "after_years": inputs.years,
        "bad_case_p10": last.p10,
        "middle_case_p50": last.p50,
        "good_case_p90": last.p90,
        "contributed": last.contributed,
        "metrics": _metrics(outcome),
    }


def compound_growth(
    amount: float, rate_percent: float, years: float, monthly: float = 0, fee_percent: float = 0
) -> float:
    """Compute what an amount and monthly contributions grow to at a fixed yearly rate less fees."""
    years, amount, monthly = min(max(years, 0), 100), min(max(amount, 0), 1e12), min(max(monthly, 0), 1e9)
    rate = min(max(rate_percent, -90), 100) / 100
    return round(compound(amount, monthly, rate, years, min(max(fee_percent, 0), 50) / 100), 2)


def compile_investment(output: Any, facts: "Facts") -> Json:
    """InvestmentData from the user's words and the agents' wording; after a follow-up, with what changed."""
    risk = output if isinstance(output, Mapping) else {}
    profile, former = profile_of(facts)
    return build_state(profile, former, quant=_output(facts, "quant"), risk=risk)


def profile_of(facts: "Facts") -> tuple[Json, Json | None]:
    """The inputs that hold now, and this chat's former state where a follow-up changes it."""
    key = sha256(facts.first_message.encode("utf-8", "replace")).hexdigest()[:16]
    follow_ups = facts.variables.get("follow_ups", 0)
    follow_ups = int(follow_ups) if isinstance(follow_ups, int | float) else 0
    state = (facts.artifacts.get("InvestmentData") or {}).get("state")
    former = (
        state if isinstance(state, dict) and (state.get("profile") or {}).get("key") == key and follow_ups else None
    )
    said = _output(facts, "profiler")
    if former is None:
        profile: Json = {"key": key, "stated": [], "seen": 0}
        profile = _with(profile, _stated(said, facts.first_message))
    else:
        profile = dict(former["profile"])
    if follow_ups > int(profile.get("seen", 0)):
        now = _values(profile)
        profile = _with(
            profile,
            {**_stated(said, facts.message), **relative_changes(facts.message, now)},
        )
        profile["seen"] = follow_ups
    return profile, former


def build_state(
    profile: Json, former: Json | None, *, quant: Mapping[str, Any] | None = None, risk: Mapping[str, Any] | None = None
) -> Json:
    """The artifact's state for ``profile``; ``former`` is the version it is compared with."""
    inputs = _inputs(_values(profile))
    outcome = simulate(inputs)
    shown: Json = {**profile, **_plain(inputs), "goal": outcome.goal}
    shown["goal_stated"] = "goal" in profile["stated"]
    state: Json = {
        "as_of": AS_OF,
        "currency": inputs.currency,
        "data_source": SOURCE,
        "profile": shown,
        "assumptions": assumptions(inputs, outcome, profile),
        "allocation": [
            {
                "asset": asset.name,
                "weight": weight,
                "expected_return": asset.expected,
                "volatility": asset.volatility,
                "reason": reason_for(asset, inputs),
            }
            for asset, weight in outcome.weights
        ],
        "projection": [vars(row).copy() for row in outcome.projection],
        "metrics": _metrics(outcome),
        "scenarios": [vars(one).copy() for one in stress(inputs, outcome)],
        "rebalancing": rebalancing(outcome),
        "risks": _merged(_lines(risk, "risks"), risk_lines(inputs, outcome, profile), 5),
        "questions": _merged(_lines(risk, "questions"), question_lines(profile), 4),
        "disclaimer": DISCLAIMER,
        "headline": _headline(inputs, outcome),
        "reasons": _lines(quant, "reasons"),
    }
    state["changes"] = difference(former, state) if former else {"inputs": [], "figures": [], "text": ""}
    return state


def recalculate(state: Any, payload: Any) -> Json:
    """Action: compute again with changed inputs, by field or in words. What does not fit is left as it was."""
    profile = dict(state.get("profile") or {"key": "", "stated": [], "seen": 0})
    profile.setdefault("stated", [])
    given = payload if isinstance(payload, Mapping) else {}
    comment = str(given.get("comment") or "")
    changes = {**read_inputs(comment), **relative_changes(comment, _values(profile))} if comment else {}
    for name, (target, factor) in {"fee_percent": ("fee", 0.01), "inflation_percent": ("inflation", 0.01)}.items():
        if isinstance(given.get(name), int | float):
            changes[target] = given[name] * factor
    changes |= {
        name: given[name] for name in ("amount", "monthly", "years", "risk", "goal") if given.get(name) is not None
    }
    fresh = build_state(_with(profile, changes), state if state.get("metrics") else None)
    return {**fresh, "reasons": state.get("reasons") or []}


def _with(profile: Json, changes: Mapping[str, Any]) -> Json:
    kept = {
        name: value
        for name, value in changes.items()
        if name in (*_FIELDS, "goal_name", "not_offered", "wished_return")
    }
    if kept.get("risk") or kept.get("exclude"):
        profile = {name: value for name, value in profile.items() if name != "equity" or "equity" in kept}
    if "years" in kept or "amount" in kept or "monthly" in kept:  # a goal that was only derived follows its inputs
        profile = {name: value for name, value in profile.items() if name != "goal" or "goal" in profile["stated"]}
    stated = list(dict.fromkeys([*profile["stated"], *kept]))
    return {**profile, **kept, "stated": stated}


def _values(profile: Mapping[str, Any]) -> Json:
    """The inputs in a profile, with this product's assumptions where nothing was said."""
    values = {name: profile[name] for name in _FIELDS if profile.get(name) is not None}
    if "goal" not in profile.get("stated", []):
        values.pop("goal", None)
    if "amount" not in values:
        values["amount"] = 0.0 if "monthly" in profile.get("stated", []) else 10_000.0
    return {**_plain(Inputs()), **values}


def _inputs(values: Mapping[str, Any]) -> Inputs:
    """Inputs within what can be computed; anything odd falls back to the assumption."""
    start = Inputs()
    numbers = {"amount": (0, 1e12), "years": (0.5, 60), "monthly": (0, 1e9), "fee": (0, 0.1), "inflation": (-0.02, 0.3)}
    found: Json = {}
    for name, (low, high) in numbers.items():
        value = values.get(name)
        number = isinstance(value, int | float) and not isinstance(value, bool) and value == value
        found[name] = min(max(float(value), low), high) if number and value is not None else getattr(start, name)
    risk = str(values.get("risk") or "medium")
    goal, equity = values.get("goal"), values.get("equity")
    names = {asset.name for asset in ASSETS}
    if found["amount"] + found["monthly"] <= 0:
        found["amount"] = start.amount
    return replace(
        start,
        **found,
        currency=str(values.get("currency") or "EUR")[:3].upper(),
        risk=risk if risk in ("low", "medium", "high") else "medium",
        goal=float(goal) if isinstance(goal, int | float) and 0 < goal < 1e13 else None,
        equity=min(max(float(equity), 0.0), 1.0) if isinstance(equity, int | float) else None,
        exclude=tuple(name for name in values.get("exclude") or () if name in names),
    )


def _plain(inputs: Inputs) -> Json:
    return {name: list(value) if isinstance(value := getattr(inputs, name), tuple) else value for name in _FIELDS}


def _stated(said: Mapping[str, Any], text: str) -> Json:
    """What ``text`` says: as read by rule, and beyond that as a model read it."""
    read = read_inputs(text)
    return {**_grounded(said, text, read), **read}


def _grounded(said: Mapping[str, Any], text: str, read: Mapping[str, Any]) -> Json:
    """A model's reading, as far as its figures stand in the text and were not read as something else."""
    used = {float(value) for value in read.values() if isinstance(value, int | float)} | {
        100 * float(read.get("fee", 0))
    }
    numbers = [number for number in numbers_in(text) if number not in used]

    def stands(value: Any, *scales: float) -> bool:
        return (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and value > 0
            and any(
                abs(number * scale - value) <= 1e-6 * max(1.0, abs(value))
                for number in numbers
                for scale in (1.0, *scales)
            )
        )

    found: Json = {
        name: float(said[name]) for name in ("amount", "monthly", "goal") if stands(said.get(name), 12, 1 / 12)
    }
    if stands(said.get("years"), 1 / 12):
        found["years"] = float(said["years"])
    if stands(said.get("fee_percent"), 0.01):
        found["fee"] = float(said["fee_percent"]) / 100
    own = list(found.values())
    return {name: value for name, value in found.items() if own.count(value) == 1 and _bounded(name, value)}


def _bounded(name: str, value: float) -> bool:
    low, high = {"years": (0.5, 60.0), "fee": (0.0, 0.1)}.get(name, (1.0, 1e12))
    return low <= value <= high


def _metrics(outcome: Outcome) -> Json:
    return {
        "cagr": round(outcome.cagr, 4),
        "volatility": round(outcome.volatility, 4),
        "max_drawdown": round(outcome.max_drawdown, 4),
        "sharpe": round(outcome.sharpe, 2),
        "chance_of_goal": round(outcome.chance_of_goal, 3),
        "fee_drag": round(outcome.fee_drag, 2),
        "expected_return": round(outcome.expected_return, 4),
        "final_p50_in_todays_money": round(outcome.final_real, 2),
    }


def _headline(inputs: Inputs, outcome: Outcome) -> str:
    last = outcome.projection[-1]
    share = next((weight for asset, weight in outcome.weights if asset.name == EQUITIES), 0.0)
    return (
        f"{percent(share, 0)} equities; after {inputs.years:g} years "
        f"{money(last.p50, inputs.currency)} in the middle case, "
        f"between {money(last.p10, inputs.currency)} and {money(last.p90, inputs.currency)} in eight of ten."
    )


def _output(facts: "Facts", agent: str) -> Mapping[str, Any]:
    said = facts.outputs.get(agent)
    return said if isinstance(said, Mapping) else {}


def _lines(said: Mapping[str, Any] | None, name: str) -> list[str]:
    lines = (said or {}).get(name)
    clean = [" ".join(str(line).split())[:200] for line in lines] if isinstance(lines, list) else []
    return [line for line in dict.fromkeys(clean) if len(line.split()) >= 5 and is_about_money(line)]


def _merged(first: list[str], then: list[str], most: int) -> list[str]:
    """Computed lines always stay; a model's own come before them as far as there is room."""
    room = max(0, most + 1 - len(then))
    return list(dict.fromkeys([*first[:room], *then]))[: most + 1]
