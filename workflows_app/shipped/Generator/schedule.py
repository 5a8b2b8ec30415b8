"""Dependencies, dates and cost of a plan's steps.

Rule: pure functions over steps as JSON; a step starts when all it depends on is done, nothing else delays it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


def find_cycle(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ids of a cycle in the dependencies, in order, or an empty list. Unknown ids are no cycle."""
    needs = {str(step["id"]): [str(one) for one in step["depends_on"]] for step in steps}
    done: set[str] = set()
    for start in needs:
        path: list[str] = []
        stack = [(start, iter(needs[start]))] if start not in done else []
        path = [start] if stack else []
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                done.add(node)
                stack.pop()
                path.pop()
            elif following in path:
                return [*path[path.index(following) :], following]
            elif following in needs and following not in done:
                stack.append((following, iter(needs[following])))
                path.append(following)
    return []


def in_order(steps: Sequence[Json]) -> list[Json]:
    """The steps so that each comes after what it depends on, otherwise as given. Those in a cycle come last."""
    left, placed, result = list(steps), set[str](), list[Json]()
    known = {step["id"] for step in steps}
    while left:
        ready = next((s for s in left if all(d in placed or d not in known for d in s["depends_on"])), left[0])
        left.remove(ready)
        placed.add(ready["id"])
        result.append(ready)
    return result


def with_dates(steps: Sequence[Json]) -> list[Json]:
    """The steps with ``start_day`` and ``end_day``, in working days from 0."""
    ends: dict[str, float] = {}
    dated: dict[str, Json] = {}
    for step in in_order(steps):
        start = max((ends.get(one, 0.0) for one in step["depends_on"]), default=0.0)
        ends[step["id"]] = round(start + float(step["effort_days"]), 2)
        dated[step["id"]] = {**step, "start_day": start, "end_day": ends[step["id"]]}
    return [dated[step["id"]] for step in steps]


def critical_path(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ids of the longest chain of dependent steps, first to last; empty where there is a cycle.

    Of steps with the same id the last counts, here as in `find_cycle`.
    """
    if find_cycle(steps):
        return []
    by_id = {step["id"]: step for step in steps}
    steps = list(by_id.values())
    finish: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for step in in_order([dict(step) for step in steps]):
        last = max((d for d in step["depends_on"] if d in finish), key=lambda d: finish[d], default=None)
        finish[step["id"]] = (finish[last] if last else 0.0) + float(by_id[step["id"]]["effort_days"])
        before[step["id"]] = last
    at: str | None = max(finish, key=lambda one: finish[one], default=None)
    path: list[str] = []
    while at is not None:
        path.append(at)
        at = before[at]
    return path[::-1]


def total_days(steps: Sequence[Mapping[str, Any]]) -> float:
    """Working days from the first start to the last end."""
    by_id = {step["id"]: float(step["effort_days"]) for step in steps}
    return round(sum(by_id[one] for one in critical_path(steps)), 2)


def dependents(steps: Sequence[Mapping[str, Any]], ids: Sequence[str]) -> set[str]:
    """The ids of all steps that depend on ``ids``, directly or through others."""
    found, todo = set[str](), list(ids)
    while todo:
        one = todo.pop()
        for step in steps:
            if one in step["depends_on"] and step["id"] not in found:
                found.add(step["id"])
                todo.append(step["id"])
    return found


def fit_to_days(steps: Sequence[Json], days: float | None, *, fill: bool) -> bool:
    """Scales the efforts in place (half days, at least half a day) to end within ``days``; True where it changed them.

    ``fill`` stretches a shorter plan too: a training plan uses the weeks it has.
    """
    if not days or find_cycle(steps):
        return False
    before = [step["effort_days"] for step in steps]
    for _ in range(12):
        total = total_days(steps)
        if total <= days and not (fill and total < days * 0.9):
            break
        factor = days / total if total else 1.0
        grown = [step for step in steps if not fill or factor < 1 or str(step.get("key", "")).startswith("core")]
        for step in grown:
            scaled = step["effort_days"] * (factor if factor < 1 else 1 + (factor - 1) * 1.2)
            step["effort_days"] = max(0.5, (int if factor < 1 else round)(scaled * 2) / 2)
    return before != [step["effort_days"] for step in steps]


def estimate_cost(steps: Sequence[Mapping[str, Any]], agents: int) -> Json:
    """Model turns and tokens to run the plan once: one turn a step, one to begin and one to check per agent.

    A turn reads its prompt and what went before (400 to 2,400 tokens) and writes 250 to 900.
    """
    turns = len(steps) + 2 * agents
    low = sum(650 + 60 * min(number, 20) for number in range(turns))
    high = sum(1300 + 150 * min(number, 20) for number in range(turns)) * 3 // 2
    return {"turns": turns, "tokens_low": low, "tokens_high": high}
