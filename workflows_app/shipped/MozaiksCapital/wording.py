"""How figures are said: money, assumptions, risks, differences.

Rule: every sentence takes its figures from the computed outcome; nothing is rounded twice.
"""

from collections.abc import Mapping
from typing import Any

from .market import CASH, EQUITIES, Asset
from .portfolio import Inputs, Outcome

Json = dict[str, Any]

_LABELS = {
    "amount": "Amount",
    "monthly": "Contribution a month",
    "years": "Horizon",
    "risk": "Risk",
    "fee": "Fees a year",
    "inflation": "Inflation a year",
    "goal": "Goal",
    "currency": "Currency",
    "equity": "Equity share",
    "exclude": "Left out",
}


def money(value: float, currency: str) -> str:
    """`12,345 EUR`: whole units above a hundred."""
    return f"{value:,.0f} {currency}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f} {currency}"


def percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %".replace(".0 %", " %") if digits else f"{100 * value:.0f} %"


def say(name: str, value: Any, currency: str) -> str:
    """An input's value as people read it."""
    if value is None or value == []:
        return "none"
    if name in ("amount", "monthly", "goal"):
        return money(value, currency)
    if name in ("fee", "inflation", "equity"):
        return f"{round(100 * value, 3):g} %"
    if name == "years":
        return f"{value:g} years"
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def assumptions(inputs: Inputs, outcome: Outcome, profile: Mapping[str, Any]) -> list[Json]:
    """Every input with its source; what was not stated says that it may be changed."""
    stated = set(profile.get("stated") or [])
    values: Json = {
        "amount": inputs.amount,
        "monthly": inputs.monthly,
        "years": inputs.years,
        "risk": inputs.risk,
        "fee": inputs.fee,
        "inflation": inputs.inflation,
        "goal": outcome.goal,
        "currency": inputs.currency,
    }
    if inputs.equity is not None:
        values["equity"] = inputs.equity
    if inputs.exclude:
        values["exclude"] = list(inputs.exclude)
    notes = {
        "goal": " (what keeps the buying power of the payments)",
        "risk": " (neither cautious nor bold)",
        "fee": " (a usual fund)",
    }
    rows = []
    for name, value in values.items():
        known = name in stated
        tail = "as you said" if known else f"assumed{notes.get(name, '')}; tell me yours"
        rows.append(
            {
                "name": name,
                "label": _LABELS[name],
                "value": value,
                "source": "stated" if known else "assumed",
                "text": f"{_LABELS[name]}: {say(name, value, inputs.currency)}, {tail}.",
            }
        )
    fixed = (
        "Returns are lognormal by year, weights are restored every year, contributions come monthly, taxes "
        "are left out."
    )
    rows.append(
        {
            "name": "model",
            "label": "Method",
            "value": "1,000 simulated courses, fixed seed",
            "source": "assumed",
            "text": fixed,
        }
    )
    return rows


def reason_for(asset: Asset, inputs: Inputs) -> str:
    """Why an asset has its place in this mix."""
    if asset.name == EQUITIES and inputs.years < 5:
        return f"Kept small, for {inputs.years:g} years are short to wait out a fall; {asset.role}."
    if asset.name == EQUITIES and inputs.years >= 15:
        return f"{inputs.years:g} years leave time to wait out falls; {asset.role}."
    if asset.name == CASH and inputs.years < 5:
        return f"What is needed within {inputs.years:g} years should not swing; {asset.role}."
    return f"{asset.role[:1].upper()}{asset.role[1:]}."


def risk_lines(inputs: Inputs, outcome: Outcome, profile: Mapping[str, Any]) -> list[str]:
    """The risks that the figures show."""
    last = outcome.projection[-1]
    lines = [
        (
            f"A fall of about {percent(-outcome.max_drawdown, 0)} on the way is normal for this mix; "
            "selling then makes it final."
        ),
        (
            f"In one of ten courses no more than {money(last.p10, inputs.currency)} is there after "
            f"{inputs.years:g} years ({money(last.contributed, inputs.currency)} paid in)."
        ),
        (
            f"At {percent(inputs.inflation)} inflation the middle case buys what "
            f"{money(outcome.final_real, inputs.currency)} buys today."
        ),
    ]
    if inputs.fee >= 0.01:
        lines.append(
            f"Fees of {say('fee', inputs.fee, '')} a year cost "
            f"{money(outcome.fee_drag, inputs.currency)} in the middle case."
        )
    if inputs.years < 5 and inputs.risk == "high":
        lines.append(f"{inputs.years:g} years are too short for a bold mix; the equity share was capped.")
    if profile.get("not_offered"):
        lines.append(
            f"{', '.join(profile['not_offered'])}: not among the bundled assets, so left out; such "
            "holdings can lose everything."
        )
    if profile.get("wished_return") is not None:
        lines.append(
            f"A return of {percent(profile['wished_return'])} cannot be chosen; the mix here is "
            f"expected to earn {percent(outcome.expected_return)} a year after fees."
        )
    return lines


def question_lines(profile: Mapping[str, Any]) -> list[str]:
    """What would sharpen the answer."""
    stated = set(profile.get("stated") or [])
    asked = [] if "goal" in stated else ["What is the money for, and how much should be there at the end?"]
    asked += [] if "years" in stated else ["When will you need it?"]
    asked += (
        []
        if "risk" in stated
        else ["How would you feel, and what would you do, if a third of it were gone for two years?"]
    )
    asked += [] if "amount" in stated else ["How much is there to invest now?"]
    return [*asked, "Are three months' expenses set aside, and are there debts that cost more than this could earn?"][
        :4
    ]


def difference(former: Mapping[str, Any], state: Mapping[str, Any]) -> Json:
    """What changed against the former version: inputs, figures, and both in sentences."""
    currency = str(state["currency"])
    inputs, figures = [], []
    for name in _LABELS:
        before, after = (former.get("profile") or {}).get(name), state["profile"].get(name)
        derived = name == "goal" and not state["profile"].get("goal_stated")
        if before != after and not derived and not (before in (None, []) and after in (None, [])):
            inputs.append({"name": name, "label": _LABELS[name], "from": before, "to": after})
    pairs = [
        ("Middle case at the end", former["projection"][-1]["p50"], state["projection"][-1]["p50"], "money"),
        ("Bad case (one in ten)", former["projection"][-1]["p10"], state["projection"][-1]["p10"], "money"),
        ("Growth a year", former["metrics"]["cagr"], state["metrics"]["cagr"], "rate"),
        ("Usual deepest fall", former["metrics"]["max_drawdown"], state["metrics"]["max_drawdown"], "rate"),
        ("Chance of the goal", former["metrics"]["chance_of_goal"], state["metrics"]["chance_of_goal"], "rate"),
        ("Fees in the middle case", former["metrics"]["fee_drag"], state["metrics"]["fee_drag"], "money"),
    ]
    figures = [{"name": name, "from": a, "to": b, "unit": unit} for name, a, b, unit in pairs if a != b]
    return {"inputs": inputs, "figures": figures, "text": _difference_text(inputs, figures, currency)}


def _difference_text(inputs: list[Json], figures: list[Json], currency: str) -> str:
    if not inputs:
        return "No input changed, so the figures are the same."
    said = "; ".join(
        (
            f"{row['label'].lower()} from {say(row['name'], row['from'], currency)} to "
            f"{say(row['name'], row['to'], currency)}"
        )
        for row in inputs
    )
    parts = []
    for row in figures[:4]:
        shown = [money(v, currency) if row["unit"] == "money" else percent(v) for v in (row["from"], row["to"])]
        parts.append(f"{row['name'][0].lower()}{row['name'][1:]} {shown[0]} to {shown[1]}")
    effect = f" Effect: {'; '.join(parts)}." if parts else " No figure moves."
    note = (
        " Money is not converted between currencies; only the name changed."
        if any(row["name"] == "currency" for row in inputs)
        else ""
    )
    return f"Changed: {said}.{effect}{note}"
