"""The single changes a plan can take: smaller, out, new, renamed, split, merged, reordered.

Rule: each returns the changed plan and a sentence on what was done, and touches only the steps it is given; dates are
made again by `revision`.
"""

import re
from collections.abc import Mapping
from typing import Any

from .names import clean_text
from .schedule import dependents, with_dates
from .words import alike, clip, content_words, joined, lower_first, stems, upper_first

Json = dict[str, Any]


def resize(plan: Json, ids: list[str], *, smaller: bool) -> tuple[Json, str]:
    if not ids:
        chosen = [step["id"] for step in plan["steps"]]
        changed, _ = set_effort(plan, chosen, lambda old: old * (0.75 if smaller else 1.25))
        return changed, f"Every step is planned about a quarter {'shorter' if smaller else 'longer'}."
    said = []
    steps = []
    for step in plan["steps"]:
        if step["id"] not in ids:
            steps.append(step)
            continue
        old = float(step["effort_days"])
        new = max(0.5, round(old * (0.5 if smaller else 1.5) * 2) / 2)
        new = new if not smaller or new < old else old
        points = list(step["acceptance"])
        deliverable = str(step["deliverable"])
        if smaller:
            points = points[:1]
            if not deliverable.startswith("Only the most needed part of: "):
                deliverable = clip(f"Only the most needed part of: {lower_first(deliverable)}", 230)
        else:
            points.append("A second person has looked at the result with fresh eyes")
            deliverable = re.sub(r"^Only the most needed part of: ", "", deliverable)
        levels = ["low", "medium", "high"]
        level = levels[max(0, min(2, levels.index(step["risk"]) + (-1 if smaller else 0)))]
        points = list(dict.fromkeys(points))
        steps.append(
            {**step, "effort_days": new, "acceptance": points, "deliverable": upper_first(deliverable), "risk": level}
        )
        how = "smaller" if smaller else "bigger"
        left = "its first acceptance point" if smaller else "one more acceptance point"
        size = f"{old:g} to {new:g} days" if new != old else f"{old:g} days, as small as a step gets"
        said.append(f'{step["id"]} "{step["title"]}" is {how} now ({size}, with {left}).')
    return {**plan, "steps": steps}, " ".join(said)


def set_effort(plan: Json, ids: list[str], change: Any) -> tuple[Json, str]:
    steps, said = [], []
    for step in plan["steps"]:
        if step["id"] in ids:
            new = min(400.0, max(0.5, round(change(float(step["effort_days"])) * 2) / 2))
            said.append(f"{step['id']} takes {new:g} days instead of {step['effort_days']:g}.")
            step = {**step, "effort_days": new}
        steps.append(step)
    return {**plan, "steps": steps}, " ".join(said)


def fit_whole(plan: Json, days: float) -> tuple[Json, str]:
    end = max((step["end_day"] for step in plan["steps"]), default=1.0) or 1.0
    if end <= days:
        return plan, f"The plan already ends after {end:g} working days, so {days:g} are enough."
    changed, _ = set_effort(plan, [step["id"] for step in plan["steps"]], lambda old: int(old * days / end * 2) / 2)
    new_end = max(step["end_day"] for step in with_dates(changed["steps"]))
    fits = "fits" if new_end <= days else f"comes down to {new_end:g} days, the least with steps of half a day"
    return changed, f"All efforts were scaled; the plan {fits} ({days:g} working days asked)."


def remove(plan: Json, ids: list[str]) -> tuple[Json, str]:
    gone = {step["id"]: step for step in plan["steps"] if step["id"] in ids}
    steps = []
    for step in plan["steps"]:
        if step["id"] in gone:
            continue
        needs: list[str] = []
        todo = list(step["depends_on"])
        while todo:
            one = todo.pop(0)
            todo = [*gone[one]["depends_on"], *todo] if one in gone else todo
            needs += [] if one in gone else [one]
        steps.append({**step, "depends_on": list(dict.fromkeys(needs))} if needs != step["depends_on"] else step)
    names = joined([f'{one} "{step["title"]}"' for one, step in gone.items()])
    return {
        **plan,
        "steps": steps,
    }, f"{names} {'is' if len(gone) == 1 else 'are'} out; what depended on it now waits for what came before it."


def add(plan: Json, clause: str, ids: list[str], ideas: Mapping[str, Any]) -> tuple[Json, str]:
    steps: list[Json] = plan["steps"]
    wish = re.sub(
        (
            r"^(?:please\s+)?(?:add|insert|include|we also need)\s+(?:(?:a|an|another|one"
            r"|the)\s+)?(?:new\s+)?(?:step\s+)?(?:to\s+|for\s+|about\s+|on\s+|called\s+|named\s+)?"
        ),
        "",
        clause,
        flags=re.IGNORECASE,
    )
    where = re.search(r"\b(after|before)\s+(?:steps?\s+)?#?s?\d+.*$", wish, re.IGNORECASE)
    before = bool(where and where[1].lower() == "before")
    wish = (wish[: where.start()] if where else wish).strip(" ,:") or "further work"
    title = upper_first(clip(wish, 100))
    own = next(
        (
            item
            for item in ideas.get("core_steps") or []
            if isinstance(item, Mapping) and stems(str(item.get("title"))) & stems(wish)
        ),
        None,
    )
    if any(alike(title, step["title"]) for step in steps):
        return plan, f'There is a step like "{title}" already, so none was added.'
    number = max(int(step["id"][1:]) for step in steps) + 1
    number = max(number, int((plan.get("revision") or {}).get("next", 0)))
    near = ids[-1] if ids else None
    at = next((i for i, step in enumerate(steps) if step["id"] == near), None)
    if at is None:
        at = max((i for i, s in enumerate(steps) if s["agent"] == _busiest(steps)), default=len(steps) - 1)
        near = steps[at]["id"]
    target = steps[at]
    new: Json = {
        "id": f"s{number}",
        "title": title,
        "agent": target["agent"],
        "depends_on": list(target["depends_on"]) if before or not ids else [target["id"]],
        "deliverable": clean_text((own or {}).get("deliverable"), 160) or f"{title}: done, shown and written down",
        "acceptance": [
            f"{plan['audience'][:1].upper() + plan['audience'][1:]} have seen the result of: {lower_first(title)}",
            "What is left open is on the list of questions",
        ],
        "effort_days": 2.0,
        "risk": "medium",
        "status": "todo",
    }
    followers = {target["id"]} if before else {s["id"] for s in steps if target["id"] in s["depends_on"]}
    result = [{**s, "depends_on": [*s["depends_on"], new["id"]]} if s["id"] in followers else s for s in steps]
    result.insert(at if before else at + 1, new)
    place = f"before {target['id']}" if before else f"after {target['id']}" if ids else f"beside {target['id']}"
    kept = {**plan, "steps": result, "revision": {**(plan.get("revision") or {}), "next": number + 1}}
    return kept, f'{new["id"]} "{title}" is new, {place}.'


def _busiest(steps: list[Json]) -> str:
    agents = [str(step["agent"]) for step in steps]
    return max(agents, key=agents.count)


def set_field(plan: Json, ids: list[str], field: str, value: str, said: str) -> tuple[Json, str]:
    if not value:
        return plan, "The new name is empty, so nothing was changed."
    if field == "title" and any(alike(value, s["title"]) for s in plan["steps"] if s["id"] not in ids):
        return plan, f'Another step is called "{value}" already, so the name stays.'
    steps = [{**step, field: value} if step["id"] in ids else step for step in plan["steps"]]
    return {**plan, "steps": steps}, f'{joined(ids)} {said} "{value}".'


def split(plan: Json, one: str) -> tuple[Json, str]:
    steps: list[Json] = plan["steps"]
    at = next(i for i, step in enumerate(steps) if step["id"] == one)
    old = steps[at]
    number = max(max(int(step["id"][1:]) for step in steps) + 1, int((plan.get("revision") or {}).get("next", 0)))
    first_days = max(0.5, round(old["effort_days"]) / 2)
    rest = max(0.5, float(old["effort_days"]) - first_days)
    first = {
        **old,
        "title": clip(f"{old['title']}: first draft", 110),
        "effort_days": first_days,
        "acceptance": old["acceptance"][:1],
        "deliverable": clip(f"First draft of: {lower_first(old['deliverable'])}", 230),
    }
    second = {
        **old,
        "id": f"s{number}",
        "title": clip(f"{old['title']}: finished", 110),
        "depends_on": [one],
        "effort_days": rest,
    }
    moved = [{**s, "depends_on": [second["id"] if d == one else d for d in s["depends_on"]]} for s in steps]
    moved[at] = first
    moved.insert(at + 1, second)
    return {
        **plan,
        "steps": moved,
        "revision": {**(plan.get("revision") or {}), "next": number + 1},
    }, f"{one} is split: {one} makes a first draft, {second['id']} finishes it."


def merge(plan: Json, one: str, other: str) -> tuple[Json, str]:
    by_id = {step["id"]: step for step in plan["steps"]}
    a, b = by_id[one], by_id[other]
    needs = [d for d in dict.fromkeys([*a["depends_on"], *b["depends_on"]]) if d not in (one, other)]
    whole = {
        **a,
        "title": clip(f"{a['title']}, and {lower_first(b['title'])}", 110),
        "depends_on": needs,
        "deliverable": clip(f"{a['deliverable']}; {lower_first(b['deliverable'])}", 230),
        "acceptance": list(dict.fromkeys([*a["acceptance"], *b["acceptance"]])),
        "effort_days": float(a["effort_days"]) + float(b["effort_days"]),
    }
    steps = [
        whole
        if s["id"] == one
        else {**s, "depends_on": list(dict.fromkeys(one if d == other else d for d in s["depends_on"]))}
        for s in plan["steps"]
        if s["id"] != other
    ]
    return {**plan, "steps": steps}, f"{other} went into {one}."


def depend(plan: Json, ids: list[str], how: str) -> tuple[Json, str]:
    later, earlier = (ids[1], ids[0]) if how == "before" else (ids[0], ids[1])
    if earlier in dependents(plan["steps"], [later]):
        return plan, f"{earlier} already waits for {later}, so the order stays."
    steps = [
        {**s, "depends_on": list(dict.fromkeys([*s["depends_on"], earlier]))} if s["id"] == later else s
        for s in plan["steps"]
    ]
    return {**plan, "steps": steps}, f"{later} now waits for {earlier}."


def agent_named(plan: Json, name: str) -> str:
    wanted = name.strip().replace(" ", "_")
    return next(
        (
            agent["name"]
            for agent in plan["agents"]
            if agent["name"] == wanted or agent["name"] == wanted.removesuffix("agent_named")
        ),
        "",
    )


def take_into_account(plan: Json, clause: str, ids: list[str], ideas: Mapping[str, Any]) -> tuple[Json, str]:
    """A wish in no known form: the steps it names take it as an acceptance point, else the whole plan as a rule."""
    wish = upper_first(clip(re.sub(r"^(please|can you|could you)\s+", "", clause, flags=re.IGNORECASE), 160))
    if not ids:
        rules = [*plan["guardrails"], wish] if wish not in plan["guardrails"] else plan["guardrails"]
        return {**plan, "guardrails": rules}, f'"{wish}" is now a rule of the whole plan, for it names no step.'
    worded = {f"s{item.get('number')}": item for item in ideas.get("core_steps") or [] if isinstance(item, Mapping)}
    steps = []
    for step in plan["steps"]:
        if step["id"] in ids:
            point = f"Takes into account: {lower_first(wish)}"
            idea = worded.get(step["id"], {})
            title = upper_first(clean_text(idea.get("title"), 90))
            good = (
                len(stems(title)) >= 2
                and bool(stems(title) & (stems(wish) | stems(step["title"])))
                and not any(alike(title, s["title"]) for s in plan["steps"])
            )
            step = {
                **step,
                "title": title if good else step["title"],
                "acceptance": list(dict.fromkeys([*step["acceptance"], point])),
            }
            if good and content_words(clean_text(idea.get("deliverable"), 160)):
                step["deliverable"] = upper_first(clean_text(idea["deliverable"], 160))
        steps.append(step)
    return {**plan, "steps": steps}, f"{joined(ids)} now takes into account: {lower_first(wish)}."
