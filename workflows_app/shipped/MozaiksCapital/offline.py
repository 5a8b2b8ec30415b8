"""The agents of MozaiksCapital without a language model: they read by rules, compute for real and say it in sentences.

Rule: pure functions from the conversation; every figure said is one of the computed state.
"""

import json
import re
from typing import TYPE_CHECKING, Any

from mozaiks.llm.chat import ToolCall

from .reading import is_about_money, read_inputs, relative_changes
from .tools import build_state, profile_of
from .wording import money, percent, say

if TYPE_CHECKING:
    from mozaiks.llm.offline import Conversation

Json = dict[str, Any]

_TOPICS: tuple[tuple[str, str], ...] = (
    (
        r"sharpe",
        (
            "The Sharpe ratio is the return above cash per unit of swing. Here it is {sharpe}: {expected} "
            "expected after fees, less 2 % cash, over {volatility} volatility."
        ),
    ),
    (
        r"drawdown|fall|crash|lose|loss|worst",
        (
            "On the way, a fall of about {drawdown} from the last peak is normal for this mix. In a crash "
            "like 2008 it would lose about {crash} at once; the middle course needs years, not months, to "
            "come back."
        ),
    ),
    (
        r"fee|cost|ter\b",
        (
            "Fees of {fee} a year cost {fee_drag} in the middle case after {years}. They compound like "
            "returns do, only against you. Ask me for another fee and I compute it."
        ),
    ),
    (
        r"bond",
        (
            "Bonds are in it to steady the mix: they earn less than equities but seldom fall together with "
            "them. The shorter the time, the more of them. The mix: {mix}."
        ),
    ),
    (
        r"equit|stock|share",
        (
            "Equities carry the growth and the deep falls. Their share follows your risk ({risk}) and the "
            "horizon ({years}): below ten years it is capped. The mix: {mix}."
        ),
    ),
    (
        r"gold|real estate|property|cash",
        "Small shares of other assets soften years in which equities fall. The mix: {mix}.",
    ),
    (
        r"inflation|buying power|today'?s money",
        "At {inflation} inflation the middle case of {p50} buys what {real} buys today.",
    ),
    (
        r"rebalanc",
        (
            "Once a year the shares are brought back to their weights: what grew is sold, what fell is "
            "bought. Between, act only when a share is five points off."
        ),
    ),
    (
        r"p10|p50|p90|percentile|median|middle|range|monte|simulat|course",
        (
            "I simulate a thousand possible courses with the same random years each time. In one of ten "
            "you have less than {p10}, in half less than {p50}, in one of ten more than {p90}, after "
            "{years}."
        ),
    ),
    (
        r"chance|goal|probab|likely|reach",
        (
            "The goal of {goal} is reached in {chance} of the simulated courses. More time, a higher "
            "contribution or lower fees raise that; more risk raises both ends."
        ),
    ),
    (
        r"risk|volatil|swing|safe",
        (
            "Your risk is set to {risk}: the value swings by about {volatility} a year, with falls of "
            'about {drawdown}. Say "more cautious" or "more aggressive" and I compute the difference.'
        ),
    ),
    (
        r"tax",
        (
            "Taxes are left out, for they depend on where you live and which accounts you use. Count them "
            "before you decide."
        ),
    ),
    (
        r"allocation|mix|portfolio|why",
        (
            "The mix: {mix}. It follows your risk ({risk}) and the horizon ({years}); each asset's reason "
            "stands in the table."
        ),
    ),
)


def profiler(c: "Conversation") -> Json:
    """What the newest message says, and whether it asks to compute, to explain, or neither."""
    text = c.message or c.first_message
    found = read_inputs(text)
    profile, former = profile_of(c)
    changes = {**found, **(relative_changes(text, {**_defaults(), **profile}) if former or _follow_ups(c) else {})}
    names = set(changes) - {"goal_name", "not_offered", "wished_return"}
    intent = (
        "calculate"
        if names or (not _follow_ups(c) and is_about_money(text))
        else "explain"
        if is_about_money(text) or _topic(text)
        else "other"
    )
    fee = changes.get("fee")
    return {
        "intent": intent,
        "amount": changes.get("amount"),
        "monthly": changes.get("monthly"),
        "years": changes.get("years"),
        "risk": changes.get("risk"),
        "fee_percent": round(100 * fee, 6) if fee is not None else None,
        "goal": changes.get("goal"),
        "currency": changes.get("currency"),
    }


def quant(c: "Conversation") -> Any:
    """Computes with its tool, then says what came out."""
    state = _state(c)
    profile = state["profile"]
    if not c.tool_results:
        arguments = {
            "amount": profile["amount"],
            "years": profile["years"],
            "monthly": profile["monthly"],
            "risk": profile["risk"],
            "fee_percent": round(100 * profile["fee"], 6),
            "goal": profile["goal"],
        }
        return ToolCall("", "project_portfolio", json.dumps(arguments))
    reasons = [f"{row['asset']} {percent(row['weight'], 0)}: {row['reason']}" for row in state["allocation"][:3]]
    return {"headline": state["headline"][:160], "reasons": [reason[:160] for reason in reasons]}


def risk(c: "Conversation") -> Json:
    """The risks that the figures show, and what would sharpen the answer."""
    state = _state(c)
    return {
        "risks": [line[:160] for line in state["risks"][:3]],
        "questions": [line[:160] for line in state["questions"][:3]],
    }


def explainer(c: "Conversation") -> str:
    """The answer in words: the result, what a follow-up changed, or an explanation."""
    said = c.outputs.get("profiler")
    intent = said.get("intent") if isinstance(said, dict) else "calculate"
    held = (c.artifacts.get("InvestmentData") or {}).get("state")
    profile, former = profile_of(c)
    current = held if isinstance(held, dict) and (held.get("profile") or {}).get("key") == profile["key"] else None
    if _follow_ups(c) and intent == "explain" and (current or former):
        return _explanation(c.message, current or former or {})
    if _follow_ups(c) and intent == "other":
        return (
            "That is not about investing, so nothing was computed. Ask me what happens with another "
            "amount, horizon, contribution, risk or fee, "
            'or what a figure means; for example: "what with 0.2 % fees?"'
        )
    state = current if current and int(current["profile"].get("seen", 0)) >= _follow_ups(c) else _state(c)
    if state["changes"]["inputs"]:
        return _changed(state)
    if _follow_ups(c):
        return f"{state['changes']['text'] or 'No input changed, so the figures are the same.'} {state['headline']}"
    return _first_answer(c.first_message, state)


def _first_answer(text: str, state: Json) -> str:
    profile, metrics, currency = state["profile"], state["metrics"], state["currency"]
    last = state["projection"][-1]
    mix = ", ".join(f"{percent(row['weight'], 0)} {row['asset'].lower()}" for row in state["allocation"])
    assumed = [
        row["label"].lower()
        for row in state["assumptions"]
        if row["source"] == "assumed" and row["name"] not in ("model", "currency", "inflation")
    ]
    opening = _opening(text, profile)
    start = money(profile["amount"], currency) + (
        f" and {money(profile['monthly'], currency)} a month" if profile["monthly"] else ""
    )
    parts = [
        (
            f"{opening}Here is what {start} could become over {say('years', profile['years'], currency)} "
            f"at {profile['risk']} risk."
        ),
        f"**Mix:** {mix}.",
        (
            f"**Outcome:** {money(last['p50'], currency)} in the middle case; in eight of ten courses "
            f"between {money(last['p10'], currency)} and {money(last['p90'], currency)}. Paid in: "
            f"{money(last['contributed'], currency)}."
        ),
        (
            f"**Risk:** it swings by about {percent(metrics['volatility'])} a year, and a fall of "
            f"{percent(-metrics['max_drawdown'], 0)} on the way is normal. In a crash like 2008 about "
            f"{percent(-state['scenarios'][0]['loss'], 0)} would be gone for a while."
        ),
        (
            f"**Fees** of {say('fee', profile['fee'], '')} cost {money(metrics['fee_drag'], currency)} in "
            f"the middle case. The goal of {money(profile['goal'], currency)} is reached in "
            f"{percent(metrics['chance_of_goal'], 0)} of the courses."
        ),
    ]
    if assumed:
        parts.append(f"I assumed the {_joined(assumed)}. Tell me yours, or ask: what with 0.2 % fees?")
    parts.append(state["disclaimer"])
    return "\n\n".join(parts)


def _opening(text: str, profile: Json) -> str:
    if not re.search(r"\w", text):
        return "Your message was empty, so this is an example with assumptions you can change. "
    if not profile["stated"] and not is_about_money(text):
        return (
            "I cannot find an investment question in your message; I compute investments and nothing else. "
            "As an example, with assumptions you can change: "
        )
    long = len(text.split())
    note = f"Your message has {long:,} words; I took the figures from it. " if long > 400 else ""
    if not profile["stated"]:
        return f"{note}You named no figures, so all of them are assumptions you can change. "
    english = re.search(r"\b(the|and|i|to|in|for|of|what|my|with|over|a|is|how|invest)\b", text.lower())
    return (
        note
        if english or long < 4
        else f"{note}I read the figures from your message; I answer in English, as I am the offline model. "
    )


def _changed(state: Json) -> str:
    last, currency = state["projection"][-1], state["currency"]
    return (
        f"{state['changes']['text']}\n\nNow: {money(last['p50'], currency)} in the middle case after "
        f"{say('years', state['profile']['years'], currency)}, "
        f"between {money(last['p10'], currency)} and {money(last['p90'], currency)} in eight of ten "
        "courses. Every other input stayed as you gave it."
    )


def _explanation(text: str, state: Json) -> str:
    profile, metrics, currency, last = state["profile"], state["metrics"], state["currency"], state["projection"][-1]
    words = {
        "sharpe": metrics["sharpe"],
        "expected": percent(metrics["expected_return"]),
        "volatility": percent(metrics["volatility"]),
        "drawdown": percent(-metrics["max_drawdown"], 0),
        "crash": percent(-state["scenarios"][0]["loss"], 0),
        "fee": say("fee", profile["fee"], currency),
        "fee_drag": money(metrics["fee_drag"], currency),
        "years": say("years", profile["years"], currency),
        "mix": ", ".join(f"{percent(row['weight'], 0)} {row['asset'].lower()}" for row in state["allocation"]),
        "risk": profile["risk"],
        "inflation": say("inflation", profile["inflation"], currency),
        "p10": money(last["p10"], currency),
        "p50": money(last["p50"], currency),
        "p90": money(last["p90"], currency),
        "real": money(metrics["final_p50_in_todays_money"], currency),
        "goal": money(profile["goal"], currency),
        "chance": percent(metrics["chance_of_goal"], 0),
    }
    topic = _topic(text)
    if topic:
        return f"{topic.format_map(words)} Nothing was computed anew."
    return (
        f"{state['headline']} Ask about the mix, fees, inflation, falls, the goal, or change an input, and "
        "I compute the difference."
    )


def _topic(text: str) -> str:
    return next((answer for pattern, answer in _TOPICS if re.search(rf"\b({pattern})", text.lower())), "")


def _state(c: "Conversation") -> Json:
    profile, former = profile_of(c)
    return build_state(profile, former)


def _defaults() -> Json:
    return {"amount": 10_000.0, "monthly": 0.0, "years": 10.0, "risk": "medium", "fee": 0.005}


def _follow_ups(c: "Conversation") -> int:
    value = c.variables.get("follow_ups", 0)
    return int(value) if isinstance(value, int | float) else 0


def _joined(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
