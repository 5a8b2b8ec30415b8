"""What stands around a plan's steps: agents, assumptions, questions, guardrails, milestones, risks, summary.

Rule: each says only what the brief, the form or the playbook gives.
"""

from collections.abc import Mapping
from typing import Any

from .brief import Brief
from .core import features_of
from .languages import language_note
from .names import clean_text, fill, fill_short
from .words import content_words, joined, lower_first, stems

Json = dict[str, Any]


def plan_agents(book: Json, names: Mapping[str, str], steps: list[Json]) -> list[Json]:
    used = {step["agent"] for step in steps}
    return [
        {
            "name": name,
            "purpose": fill(agent["purpose"], names),
            "prompt": "",
            "tools": list(agent["tools"]),
            "output": agent["output"],
        }
        for name, agent in book["agents"].items()
        if name in used
    ]


def agent_prompt(agent: Json, plan: Json) -> str:
    steps = [step for step in plan["steps"] if step["agent"] == agent["name"]]
    lines = [
        f"You are the {agent['name'].replace('_', ' ')} of this work: {plan['goal']}",
        f"For: {plan['audience']}. {agent['purpose']}",
        "",
        "Your steps:",
    ]
    for step in steps:
        needs = f" (after {joined(step['depends_on'])})" if step["depends_on"] else ""
        lines.append(
            f"- {step['id']}{needs}: {step['title']}. Deliver: {step['deliverable']}. Done when: "
            f"{'; '.join(step['acceptance'])}."
        )
    lines += ["", "Never:"] + [f"- break this rule: {rule}." for rule in plan["guardrails"]]
    lines += ["", "Say plainly what you do not know, and ask instead of inventing. Write in the language of the user."]
    return "\n".join(lines)


def assumptions_of(
    brief: Brief,
    book: Json,
    names: Mapping[str, str],
    group: Json,
    form: Mapping[str, Any],
    days: float | None,
    fitted: bool,
) -> list[str]:
    said = []
    if note := language_note(brief.language):
        said.append(note)
    if brief.words > 400:
        words = joined(list(brief.nouns[:6]))
        said.append(
            f"The brief has {brief.words:,} words; the plan follows its first request and the words it "
            f"uses most: {words}"
        )
    if not brief.audience:
        said.append(f"The brief names nobody it is for; the plan assumes {names['audience']}")
    _, named = features_of(book, stems(f"{brief.subject} {brief.audience} {brief.phrase}"), brief)
    if not named:
        said.append(f"The brief names no parts of {names['the']}; the plan takes what usually belongs to it")
    if brief.people:
        said.append(f"It is planned for {brief.people}")
    if brief.budget:
        said.append(f"The money named in the brief is {brief.budget}")
    if days:
        fits = "the efforts were fitted to it" if fitted else "the efforts fit into it"
        said.append(f"It has to be done in about {days:g} working days; {fits}")
    if form.get("input_data"):
        said.append(f"Input data: {clean_text(form['input_data'], 120)}")
    said += [fill_short(text, names) for text in ([group["assumption"]] if group else [])]
    said += [fill_short(text, names) for text in book["assumptions"]]
    return list(dict.fromkeys(said))


def questions_of(brief: Brief, book: Json, names: Mapping[str, str], group: Json, form: Mapping[str, Any]) -> list[str]:
    asked = [] if brief.audience else [f"Who exactly is {names['the']} for?"]
    asked += [] if brief.days else ["By when must it be done, and what happens if it is later?"]
    asked += [group["question"]] if group else []
    asked += [fill_short(text, names) for text in book["questions"]]
    return list(dict.fromkeys(asked))[:6]


def guardrails_of(
    book: Json, names: Mapping[str, str], group: Json, form: Mapping[str, Any], steps: list[Json]
) -> list[str]:
    rules = [fill_short(text, names) for text in book["guardrails"]] + ([group["guardrail"]] if group else [])
    approved = [step["title"] for step in steps if step.get("approval")]
    if approved:
        rules.append(f"These wait for a person's approval: {joined([lower_first(title) for title in approved])}")
    elif content_words(str(form.get("approvals") or "")):
        rules.append(f"Waits for a person's approval: {clean_text(form['approvals'], 120)}")
    return list(dict.fromkeys(rules))


def milestones_of(book: Json, names: Mapping[str, str], ids: Mapping[str, list[str]], steps: list[Json]) -> list[Json]:
    ends = {step["id"]: step["end_day"] for step in steps}
    found = []
    for title, keys in book["milestones"]:
        step_ids = [one for key in keys for one in ids[key]]
        found.append(
            {"title": fill_short(title, names), "step_ids": step_ids, "day": max(ends[one] for one in step_ids)}
        )
    return sorted(found, key=lambda milestone: milestone["day"])


def risks_of(book: Json, names: Mapping[str, str], group: Json, fitted: bool) -> list[Json]:
    rows = [*book["risks"], *([group["risk"]] if group else [])]
    if fitted:
        rows = [
            [
                "The date leaves no slack on the critical path",
                "high",
                "high",
                "Decide now which acceptance point is dropped first",
            ],
            *rows,
        ]
    return [
        {
            "risk": fill_short(risk, names),
            "likelihood": likelihood,
            "impact": impact,
            "mitigation": fill_short(mitigation, names),
        }
        for risk, likelihood, impact, mitigation in rows
    ]


def summary_of(plan: Json) -> str:
    steps = plan["steps"]
    end = max((step["end_day"] for step in steps), default=0)
    effort = sum(step["effort_days"] for step in steps)
    return (
        f"{len(steps)} steps by {len(plan['agents'])} agents, {effort:g} days of work, done after "
        f"{end:g} working days; "
        f"the longest chain is {' > '.join(plan['critical_path'])}."
    )
