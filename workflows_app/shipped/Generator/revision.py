"""Changes a plan by what a person says: `make step 3 smaller`, `add a step after 2`, `step 5 takes 4 days`.

Rule: a change touches the steps it names and, through dates, those that depend on them; everything else stays as it is,
and step ids are never given twice.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .changes import (
    add,
    agent_named,
    depend,
    fit_whole,
    merge,
    remove,
    resize,
    set_effort,
    set_field,
    split,
    take_into_account,
)
from .names import clean_text
from .planning import rebuild_summary
from .schedule import find_cycle, in_order, with_dates
from .words import content_words, joined, stems, upper_first

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
        return add(plan, clause, ids, ideas)
    if re.search(rf"\b({_REMOVE})\b", low) and ids:
        return remove(plan, ids)
    if ids and (
        hit := re.search(
            r"(?:\brename\b.*?\bto\b|\bcall (?:step )?s?\d+|\bcall it\b)\s*[:\"']?\s*(.+)$", clause, re.IGNORECASE
        )
    ):
        return set_field(plan, ids[:1], "title", upper_first(clean_text(hit[1], 110)), "is now called")
    if ids and re.search(r"\bsplit\b|\bdivide\b|\bbreak\b.*\b(up|down|into)\b", low):
        return split(plan, ids[0])
    if len(ids) >= 2 and re.search(r"\bmerge\b|\bcombine\b|\bjoin\b", low):
        return merge(plan, ids[0], ids[1])
    if len(ids) >= 2 and (hit := re.search(r"\b(after|before|depends? on|needs)\b", low)):
        return depend(plan, ids, hit[1])
    if (
        ids
        and (hit := re.search(r"\b(?:assign|give)\b.*\bto (?:the )?([a-z_ ]+)$|\bby (?:the )?([a-z_]+)$", low))
        and agent_named(plan, hit[1] or hit[2])
    ):
        return set_field(plan, ids, "agent", agent_named(plan, hit[1] or hit[2]), "is now done by")
    if (
        ids
        and (hit := re.search(r"\b(done|finished|complete|doing|started|blocked|todo)\b", low))
        and re.search(r"\b(mark|is|are)\b", low)
    ):
        state = {"finished": "done", "complete": "done", "started": "doing"}.get(hit[1], hit[1])
        return set_field(plan, ids, "status", state, "is marked")
    if hit := _DAYS.search(low):
        days = (_WORDS.get(hit[1]) or float(hit[1].replace(",", "."))) * (5 if hit[2] == "week" else 1)
        more = re.search(rf"\b(add|plus|extra|more)\b|{_BIGGER}", low) and not re.search(r"\bto\b|takes|in total", low)
        if ids:
            return set_effort(plan, ids, lambda old: old + days if more else days)
        return fit_whole(plan, days)
    too = re.search(r"\btoo (long|big|much|large|expensive|slow)\b", low)
    about_all = (
        not stems(re.sub(rf"\b({_SMALLER}|{_BIGGER}|too (long|short|big|small|much))\b", " ", low)) - _GENERIC - _ALL
    )
    if (
        (too or re.search(rf"\b({_SMALLER})\b", low))
        and not re.search(r"\btoo (short|small)\b", low)
        and (ids or about_all)
    ):
        return resize(plan, ids, smaller=True)
    if re.search(rf"\b({_BIGGER}|too (short|small))\b", low) and (ids or about_all):
        return resize(plan, ids, smaller=False)
    return take_into_account(plan, clause, ids, ideas)


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
    than = f" instead of {end_old:g}" if end_new != end_old else ", as before"
    said = [f"The plan ends after {end_new:g} working days{than}."]
    return [*said, f"{joined(moved)} {'moves' if len(moved) == 1 else 'move'} with it."] if moved else said
