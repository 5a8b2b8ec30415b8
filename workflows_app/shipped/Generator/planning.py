"""Makes a plan from a brief: playbook by kind of work, steps, dates, risks, cost.

Rule: pure and total. Whatever the brief, the form and a model's ideas say, the plan is whole: ids unique, dependencies
without a cycle, no two steps alike, and the brief's own words in it.
"""

from collections.abc import Mapping
from typing import Any

from .brief import Brief, read_brief
from .core import core_steps
from .kinds import audience_group, kind_of, playbooks
from .names import fill, fill_short, goal_of, names_of, title_of
from .schedule import critical_path, estimate_cost, fit_to_days, with_dates
from .surroundings import (
    agent_prompt,
    assumptions_of,
    guardrails_of,
    milestones_of,
    plan_agents,
    questions_of,
    risks_of,
    summary_of,
)
from .words import clip, content_words, lower_first, stems, upper_first

Json = dict[str, Any]


def brief_of(first_message: str, message: str = "", details: Mapping[str, Any] | None = None) -> Brief:
    """The brief of a chat: its first message, or the later one where the first says nothing to plan."""
    form = details or {}
    audience, musts = str(form.get("audience") or "")[:200], str(form.get("must_haves") or "")[:2000]
    brief = read_brief(first_message, audience=audience, must_haves=musts)
    if message and message != first_message and (brief.problem or read_brief(first_message).problem):
        later = read_brief(message, audience=audience, must_haves=musts)
        return later if not later.problem else brief
    return brief


def build_workflow(
    brief: Brief, details: Mapping[str, Any] | None = None, ideas: Mapping[str, Any] | None = None
) -> Json:
    """The `workflow` of an ActionPlan. ``details`` is the form's answer, ``ideas`` the designer's output."""
    form, said = details or {}, ideas or {}
    kind = kind_of(brief)
    book = playbooks()[kind]
    names = names_of(brief, book)
    group = audience_group(brief, names, book)
    steps = _steps(book, brief, names, group, form, said)
    _approvals(steps, str(form.get("approvals") or ""))
    days = _working_days(brief)
    fitted = fit_to_days(steps, days, fill=bool(book.get("fill")))
    dated = with_dates(steps)
    ids = _ids_by_key(dated)
    agents = plan_agents(book, names, dated)
    plan: Json = {
        "title": title_of(brief, names, str(said.get("title") or "")),
        "goal": goal_of(brief, book, names),
        "audience": names["audience"],
        "assumptions": assumptions_of(brief, book, names, group, form, days, fitted),
        "agents": agents,
        "steps": dated,
        "questions": questions_of(brief, book, names, group, form),
        "artifacts": [{"type": kind_name, "fields": list(fields)} for kind_name, fields in book["artifacts"]],
        "guardrails": guardrails_of(book, names, group, form, dated),
        "milestones": milestones_of(book, names, ids, dated),
        "risks": risks_of(book, names, group, fitted),
        "cost": estimate_cost(dated, len(agents)),
        "kind": kind,
        "critical_path": critical_path(dated),
        "summary": "",
    }
    plan["agents"] = [{**agent, "prompt": agent_prompt(agent, plan)} for agent in agents]
    plan["summary"] = summary_of(plan)
    return {**plan, "steps": [{k: v for k, v in step.items() if k != "key"} for step in dated]}


def heart_of(plan: Json) -> list[str]:
    """The ids of the steps at the plan's heart: those of the agent that has most of them."""
    agents = [str(step["agent"]) for step in plan["steps"]]
    busiest = max(agents, key=agents.count)
    return [str(step["id"]) for step in plan["steps"] if step["agent"] == busiest]


def rebuild_summary(plan: Json) -> Json:
    """``plan`` with prompts, cost and summary made again from its steps, after a change."""
    plan = {
        **plan,
        "cost": estimate_cost(plan["steps"], len(plan["agents"])),
        "critical_path": critical_path(plan["steps"]),
    }
    plan["agents"] = [{**agent, "prompt": agent_prompt(agent, plan)} for agent in plan["agents"]]
    return {**plan, "summary": summary_of(plan)}


def _steps(
    book: Json, brief: Brief, names: dict[str, str], group: Json, form: Mapping[str, Any], said: Mapping[str, Any]
) -> list[Json]:
    frame = [_framed(entry, names) for entry in book["steps"]]
    data = clip(" ".join(str(form.get("input_data") or "").split()), 80).replace("{", "").replace("}", "")
    if content_words(data):
        frame.append(_input_step(data, frame[0], names))
    after = [_framed(entry, names) for entry in book["after_core"]]
    core = core_steps(
        book, brief, names, group, said, [step["title"] for step in (*frame, *after)], bool(content_words(data))
    )
    ordered = [*frame, *core, *after]
    cores = [step["key"] for step in core]
    ids = {step["key"]: f"s{number}" for number, step in enumerate(ordered, 1)}
    for step in ordered:
        wanted = [key for name in step["depends_on"] for key in (cores if name == "core" else [name])]
        step["depends_on"] = [ids[key] for key in dict.fromkeys(wanted)]
        step["id"] = ids[step["key"]]
        step["deliverable"] = _rooted(step, brief, names)
    return [_in_order(step) for step in ordered]


def _rooted(step: Json, brief: Brief, names: Mapping[str, str]) -> str:
    """The deliverable, with what it is for where neither it nor the title names a noun of the brief."""
    said: str = step["deliverable"]
    if not brief.nouns or stems(f"{step['title']} {said}") & stems(" ".join(brief.nouns)):
        return said
    clause = names["short"] == "this question" or brief.verb in (
        "research",
        "study",
        "investigate",
        "analyse",
        "understand",
    )
    return f"{clip(said, 200)}, {'on' if clause else 'for'} {names['the']}"


def _in_order(step: Json) -> Json:
    first = ("id", "title", "agent", "depends_on", "deliverable", "acceptance", "effort_days", "risk", "status")
    return {**{name: step[name] for name in first}, **{k: v for k, v in step.items() if k not in first}}


def _framed(entry: Json, names: Mapping[str, str]) -> Json:
    said = fill_short if "{the}" in entry["title"] else fill  # the full name is said once
    return {
        "key": entry["key"],
        "title": fill(entry["title"], names, 110),
        "agent": entry["agent"],
        "depends_on": list(entry["after"]),
        "deliverable": said(entry["deliverable"], names),
        "acceptance": [fill_short(text, names) for text in entry["accept"]],
        "effort_days": float(entry["days"]),
        "risk": entry["risk"],
        "status": "todo",
    }


def _input_step(data: str, first: Json, names: Mapping[str, str]) -> Json:
    return {
        "key": "input",
        "title": clip(f"Bring in and check the input data: {lower_first(data)}", 110),
        "agent": first["agent"],
        "depends_on": [first["key"]],
        "deliverable": clip(f"{upper_first(data)}: checked, described and ready for {names['the']}", 200),
        "acceptance": [
            clip(f"Origin, date and owner of {lower_first(data)} are known", 200),
            "Gaps and errors are listed with what is done about them",
        ],
        "effort_days": 1.5,
        "risk": "medium",
        "status": "todo",
    }


def _approvals(steps: list[Json], text: str) -> None:
    """Marks the steps a person approves, by number or by words."""
    everything = text.strip().lower() in ("all", "every step", "everything", "all steps")
    for wish in [part.strip() for part in text.replace("\n", ",").replace(" and ", ",").split(",") if part.strip()]:
        numbers = {f"s{word}" for word in wish.replace("#", " ").split() if word.isdigit()}
        scored = [(len(stems(wish) & stems(f"{s['key']} {s['title']} {s['deliverable']}")), s) for s in steps]
        best = max(scored, key=lambda pair: pair[0])
        for score, step in scored:
            if everything or step["id"] in numbers or (not numbers and score and step is best[1]):
                step["approval"] = True
                text_line = "A person has approved the result before the next step begins"
                if text_line not in step["acceptance"]:
                    step["acceptance"] = [*step["acceptance"], text_line]


def _working_days(brief: Brief) -> float | None:
    return max(1.0, round(brief.days * 5 / 7)) if brief.days else None


def _ids_by_key(steps: list[Json]) -> dict[str, list[str]]:
    ids = {step["key"]: [step["id"]] for step in steps}
    ids["core"] = [step["id"] for step in steps if step["key"].startswith("core")]
    return ids
