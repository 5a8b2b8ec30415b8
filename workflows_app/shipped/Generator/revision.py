"""Changes a plan by what a person says: `make step 3 smaller`, `add a step after 2`, `step 5 takes 4 days`.

Rule: a change touches the steps it names and, through dates, those that depend on them; everything else stays as it is,
and step ids are never given twice.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .planning import clean_text, rebuild_summary
from .schedule import dependents, find_cycle, in_order, with_dates
from .words import alike, clip, content_words, joined, lower_first, stems, upper_first

Json = dict[str, Any]

_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
}
_SMALLER = (
    r"small(er)?|short(er|en)?|simpl(er|ify|e)|lighter|less|halve|half|reduce|cut down|trim|quick(er)?"
    r"|fast(er)?|cheaper|lean(er)?"
)
_BIGGER = r"bigger|larger|longer|more (time|detail|thorough)|extend|expand|double|deeper|thorough"
_REMOVE = r"remove|delete|drop|skip|leave out|get rid of|without|cut out|strike"
_GENERIC = frozenset({"use", "make", "need", "work", "want", "step", "time", "plan", "keep", "must", "person"})
_ALL = stems("everything whole entire complete project schedule all steps total overall bit please")
_STEP = re.compile(
    r"\b(?:steps?|numbers?|no\.?|#)\s*#?(s?\d{1,2}(?:(?:\s*(?:,|and|&|or|\+|to|-)\s*)s?\d{1,2})*)|\bs(\d{1,2})\b",
    re.IGNORECASE,
)
_DAYS = re.compile(r"(\d{1,3}(?:[.,]\d)?|a|one|two|three|four|five|ten)\s*(?:working )?(day|week)s?\b", re.IGNORECASE)
_WORDS = {"a": 1.0, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "ten": 10.0}


def revise_plan(plan: Json, comment: str, ideas: Mapping[str, Any] | None = None) -> tuple[Json, list[str]]:
    """The changed plan and what was done, in sentences. ``ideas`` is the designer's output, used for new wording."""
    text = clean_text(comment, 1500)
    done: list[str] = []
    steps = [dict(step) for step in plan["steps"]]
    changed = {**plan, "steps": steps}
    for clause in _clauses(text):
        before = [dict(step) for step in changed["steps"]]
        changed, said = _apply(changed, clause, ideas or {})
        if find_cycle(changed["steps"]) or not changed["steps"]:
            changed = {**changed, "steps": before}
            said = f'"{clause}" would leave the plan without a possible order, so it stays as it was.'
        done.append(said)
    if not done:
        return plan, ["The comment names nothing to change, so the plan stays as it was."]
    moved = _redated(changed)
    return moved, [*done, *_effect(plan["steps"], moved["steps"])]


def named_steps(steps: Sequence[Mapping[str, Any]], text: str) -> tuple[list[str], list[str]]:
    """The ids of the steps that ``text`` names, by number, place or title, and the numbers that do not exist."""
    known = [str(step["id"]) for step in steps]
    found: list[str] = []
    missing: list[str] = []
    for hit in _STEP.finditer(text):
        said = hit[1] or hit[2]
        numbers = [int(number) for number in re.findall(r"\d+", said)]
        if re.search(r"\d\s*(to|-)\s*s?\d", said) and len(numbers) == 2 and numbers[0] < numbers[1] <= numbers[0] + 30:
            numbers = list(range(numbers[0], numbers[1] + 1))
        for number in numbers:
            (found if f"s{number}" in known else missing).append(f"s{number}")
    if not found and not missing:
        if re.search(r"\blast step\b", text, re.IGNORECASE) and known:
            found.append(known[-1])
        for word, place in _ORDINALS.items():
            if re.search(
                rf"\b{word}\b(\s+one)?\s+step|\bstep {word}\b|\b{word} step", text, re.IGNORECASE
            ) and place <= len(known):
                found.append(known[place - 1])
    if not found and not missing:
        found = _by_title(steps, text)
    return list(dict.fromkeys(found)), missing


def _by_title(steps: Sequence[Mapping[str, Any]], text: str) -> list[str]:
    common = frozenset.intersection(*[stems(str(step["title"])) for step in steps]) if steps else frozenset()
    words = stems(text) - common - _GENERIC
    scores = {str(step["id"]): len((stems(str(step["title"])) - common) & words) for step in steps}
    best = max(scores.values(), default=0)
    named = [one for one, score in scores.items() if score == best]
    if best >= 1 and len(named) == 1:
        return named
    starts = {word[:4] for word in words if len(word) >= 4}
    return [str(step["id"]) for step in steps if str(step["agent"])[:4] in starts]


def _clauses(text: str) -> list[str]:
    parts = re.split(
        (
            rf"[;.\n]\s+|\.$|,?\s+(?:and|then|also)\s+(?=(?:please\s+)?(?:make|add|{_REMOVE}|rename|split"
            r"|merge|move|step|give|call|assign|let|mark)\b)"
        ),
        text,
    )
    return [
        part.strip(" ,.;") for part in parts if (part and content_words(part)) or (part and re.search(r"\d", part))
    ][:12]


def _apply(plan: Json, clause: str, ideas: Mapping[str, Any]) -> tuple[Json, str]:
    steps: list[Json] = plan["steps"]
    ids, missing = named_steps(steps, clause)
    low = clause.lower()
    if missing and not ids:
        return (
            plan,
            (
                f"There is no step {joined([one[1:] for one in missing])}; the steps are "
                f"{joined([s['id'] for s in steps])}."
            ),
        )
    if re.match(r"(please\s+)?(add|insert|include)\b|.*\b(add|insert) (a|another|one) step\b", low) or low.startswith(
        "we also need"
    ):
        return _add(plan, clause, ids, ideas)
    if re.search(rf"\b({_REMOVE})\b", low) and ids:
        return _remove(plan, ids)
    if ids and (
        hit := re.search(
            r"(?:\brename\b.*?\bto\b|\bcall (?:step )?s?\d+|\bcall it\b)\s*[:\"']?\s*(.+)$", clause, re.IGNORECASE
        )
    ):
        return _set(plan, ids[:1], "title", upper_first(clean_text(hit[1], 110)), "is now called")
    if ids and re.search(r"\bsplit\b|\bdivide\b|\bbreak\b.*\b(up|down|into)\b", low):
        return _split(plan, ids[0])
    if len(ids) >= 2 and re.search(r"\bmerge\b|\bcombine\b|\bjoin\b", low):
        return _merge(plan, ids[0], ids[1])
    if len(ids) >= 2 and (hit := re.search(r"\b(after|before|depends? on|needs)\b", low)):
        return _depend(plan, ids, hit[1])
    if (
        ids
        and (hit := re.search(r"\b(?:assign|give)\b.*\bto (?:the )?([a-z_ ]+)$|\bby (?:the )?([a-z_]+)$", low))
        and _agent(plan, hit[1] or hit[2])
    ):
        return _set(plan, ids, "agent", _agent(plan, hit[1] or hit[2]), "is now done by")
    if (
        ids
        and (hit := re.search(r"\b(done|finished|complete|doing|started|blocked|todo)\b", low))
        and re.search(r"\b(mark|is|are)\b", low)
    ):
        state = {"finished": "done", "complete": "done", "started": "doing"}.get(hit[1], hit[1])
        return _set(plan, ids, "status", state, "is marked")
    if hit := _DAYS.search(low):
        days = (_WORDS.get(hit[1]) or float(hit[1].replace(",", "."))) * (5 if hit[2] == "week" else 1)
        more = re.search(rf"\b(add|plus|extra|more)\b|{_BIGGER}", low) and not re.search(r"\bto\b|takes|in total", low)
        if ids:
            return _effort(plan, ids, lambda old: old + days if more else days)
        return _whole(plan, days)
    too = re.search(r"\btoo (long|big|much|large|expensive|slow)\b", low)
    about_all = (
        not stems(re.sub(rf"\b({_SMALLER}|{_BIGGER}|too (long|short|big|small|much))\b", " ", low)) - _GENERIC - _ALL
    )
    if (
        (too or re.search(rf"\b({_SMALLER})\b", low))
        and not re.search(r"\btoo (short|small)\b", low)
        and (ids or about_all)
    ):
        return _resize(plan, ids, smaller=True)
    if re.search(rf"\b({_BIGGER}|too (short|small))\b", low) and (ids or about_all):
        return _resize(plan, ids, smaller=False)
    return _wish(plan, clause, ids, ideas)


def _resize(plan: Json, ids: list[str], *, smaller: bool) -> tuple[Json, str]:
    if not ids:
        chosen = [step["id"] for step in plan["steps"]]
        changed, _ = _effort(plan, chosen, lambda old: old * (0.75 if smaller else 1.25))
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


def _effort(plan: Json, ids: list[str], change: Any) -> tuple[Json, str]:
    steps, said = [], []
    for step in plan["steps"]:
        if step["id"] in ids:
            new = min(400.0, max(0.5, round(change(float(step["effort_days"])) * 2) / 2))
            said.append(f"{step['id']} takes {new:g} days instead of {step['effort_days']:g}.")
            step = {**step, "effort_days": new}
        steps.append(step)
    return {**plan, "steps": steps}, " ".join(said)


def _whole(plan: Json, days: float) -> tuple[Json, str]:
    end = max((step["end_day"] for step in plan["steps"]), default=1.0) or 1.0
    if end <= days:
        return plan, f"The plan already ends after {end:g} working days, so {days:g} are enough."
    changed, _ = _effort(plan, [step["id"] for step in plan["steps"]], lambda old: int(old * days / end * 2) / 2)
    new_end = max(step["end_day"] for step in with_dates(changed["steps"]))
    fits = "fits" if new_end <= days else f"comes down to {new_end:g} days, the least with steps of half a day"
    return changed, f"All efforts were scaled; the plan {fits} ({days:g} working days asked)."


def _remove(plan: Json, ids: list[str]) -> tuple[Json, str]:
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


def _add(plan: Json, clause: str, ids: list[str], ideas: Mapping[str, Any]) -> tuple[Json, str]:
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
    agents = [step["agent"] for step in steps]
    return max(agents, key=agents.count)


def _set(plan: Json, ids: list[str], field: str, value: str, said: str) -> tuple[Json, str]:
    if not value:
        return plan, "The new name is empty, so nothing was changed."
    if field == "title" and any(alike(value, s["title"]) for s in plan["steps"] if s["id"] not in ids):
        return plan, f'Another step is called "{value}" already, so the name stays.'
    steps = [{**step, field: value} if step["id"] in ids else step for step in plan["steps"]]
    return {**plan, "steps": steps}, f'{joined(ids)} {said} "{value}".'


def _split(plan: Json, one: str) -> tuple[Json, str]:
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


def _merge(plan: Json, one: str, other: str) -> tuple[Json, str]:
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


def _depend(plan: Json, ids: list[str], how: str) -> tuple[Json, str]:
    later, earlier = (ids[1], ids[0]) if how == "before" else (ids[0], ids[1])
    if earlier in dependents(plan["steps"], [later]):
        return plan, f"{earlier} already waits for {later}, so the order stays."
    steps = [
        {**s, "depends_on": list(dict.fromkeys([*s["depends_on"], earlier]))} if s["id"] == later else s
        for s in plan["steps"]
    ]
    return {**plan, "steps": steps}, f"{later} now waits for {earlier}."


def _agent(plan: Json, name: str) -> str:
    wanted = name.strip().replace(" ", "_")
    return next(
        (
            agent["name"]
            for agent in plan["agents"]
            if agent["name"] == wanted or agent["name"] == wanted.removesuffix("_agent")
        ),
        "",
    )


def _wish(plan: Json, clause: str, ids: list[str], ideas: Mapping[str, Any]) -> tuple[Json, str]:
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


def _redated(plan: Json) -> Json:
    """The plan with new dates, in an order that respects dependencies; milestones follow."""
    listed = plan["steps"]
    positions = {step["id"]: i for i, step in enumerate(listed)}
    if any(positions.get(d, -1) > positions[s["id"]] for s in listed for d in s["depends_on"]):
        listed = in_order(listed)
    steps = with_dates(listed)
    ends = {step["id"]: step["end_day"] for step in steps}
    stones = []
    for stone in plan["milestones"]:
        left = [one for one in stone["step_ids"] if one in ends]
        if left:
            stones.append({**stone, "step_ids": left, "day": max(ends[one] for one in left)})
    used = {step["agent"] for step in steps}
    agents = [agent for agent in plan["agents"] if agent["name"] in used]
    return rebuild_summary(
        {**plan, "steps": steps, "milestones": sorted(stones, key=lambda stone: stone["day"]), "agents": agents}
    )


def _effect(old: Sequence[Json], new: Sequence[Json]) -> list[str]:
    """What the change did to the dates, in a sentence."""
    before = {step["id"]: step for step in old}
    moved = [s["id"] for s in new if s["id"] in before and s["start_day"] != before[s["id"]]["start_day"]]
    end_old, end_new = max((s["end_day"] for s in old), default=0.0), max((s["end_day"] for s in new), default=0.0)
    said = [f"{joined(moved)} {'moves' if len(moved) == 1 else 'move'} with it."] if moved else []
    said.append(

            f"The plan ends after {end_new:g} working "
            f"days{f' instead of {end_old:g}' if end_new != end_old else ', as before'}."

    )
    return said
