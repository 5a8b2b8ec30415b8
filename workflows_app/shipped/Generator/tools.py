"""What the Generator's agents may call, how its plan is compiled, and what users may do to it.

Rule: all pure. Compilers take ``(output, facts)``, actions ``(state, payload)``; none raises on odd input.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .definition_files import definition_files
from .planning import brief_of, build_workflow, rebuild_summary
from .revision import revise_plan
from .schedule import critical_path, estimate_cost, find_cycle, total_days

if TYPE_CHECKING:
    from mozaiks.llm.offline import Facts

Json = dict[str, Any]

__all__ = [
    "check_dependencies",
    "compile_plan",
    "definition_files",
    "definition_folder",
    "estimate_effort_and_cost",
    "mark_step",
    "revise",
]


def check_dependencies(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Check a plan's steps: unknown or circular dependencies, repeated ids, and the critical path.

    Each step is {"id": "s1", "depends_on": ["s0"], "effort_days": 2}. Days are working days.
    """
    good: list[Json] = [
        {
            "id": str(s.get("id")),
            "depends_on": [str(d) for d in s.get("depends_on") or []],
            "effort_days": _number(s.get("effort_days")),
        }
        for s in steps[:200]
    ]
    ids = [step["id"] for step in good]
    cycle = find_cycle(good)
    return {
        "steps": len(good),
        "repeated_ids": sorted({one for one in ids if ids.count(one) > 1}),
        "unknown_dependencies": sorted({d for step in good for d in step["depends_on"] if d not in ids}),
        "cycle": cycle,
        "critical_path": critical_path(good),
        "working_days": 0 if cycle else total_days(good),
    }


def estimate_effort_and_cost(steps: list[dict[str, Any]], agents: int = 4) -> dict[str, Any]:
    """Estimate the model turns and tokens of running a plan's agents once, and the people-days of its steps."""
    cost = estimate_cost(steps[:200], max(1, min(agents, 20)))
    return {**cost, "effort_days": sum(_number(step.get("effort_days")) for step in steps[:200])}


def compile_plan(output: Any, facts: "Facts") -> Json:
    """The ActionPlan's state: a new plan, or the chat's own plan changed by the user's newest comment."""
    ideas = output if isinstance(output, Mapping) else {}
    plan, _ = plan_and_changes(ideas, facts)
    return {"workflow": plan}


def plan_and_changes(ideas: Mapping[str, Any], facts: "Facts") -> tuple[Json, list[str]]:
    """The plan of this chat now, and what the newest comment changed (nothing for a new plan)."""
    counts = {"comments": _count(facts, "comments"), "messages": _count(facts, "messages")}
    key = sha256(facts.first_message.encode("utf-8", "replace")).hexdigest()[:16]
    details = facts.answers.get("details")
    details = details if isinstance(details, Mapping) else {}
    former = _former(facts, key)
    if former is None:
        brief = brief_of(facts.first_message, facts.message, details)
        plan = build_workflow(brief, details, ideas)
        plan["brief"] = {"text": brief.text, "key": key, "language": brief.language}
        plan["revision"] = {"comments": 0, "messages": 0, "log": [], "changed": []}
        former, seen = plan, {"comments": 0, "messages": counts["messages"] if brief_taken_from_message(facts) else 0}
        plan["revision"].update(seen)
    comment = _comment(facts, former.get("revision") or {}, counts)
    if not comment:
        return _reworded(former, ideas, facts, key, details), []
    plan, said = revise_plan(former, comment, ideas)
    return _logged(former, plan, comment, said, counts), said


def brief_taken_from_message(facts: "Facts") -> bool:
    """Whether the plan's brief is a later message, since the first one says nothing to plan."""
    return bool(brief_of(facts.first_message).problem) and facts.message != facts.first_message


def mark_step(state: Any, payload: Any) -> Json:
    """Action: set a step's status. Payload {"step": "s3", "status": "done"}; an unknown step changes nothing."""
    plan = dict(state.get("workflow") or {})
    wanted = str(payload.get("step", "")).lower().removeprefix("step ").strip()
    status = str(payload.get("status") or "done")
    if status not in ("todo", "doing", "done", "blocked"):
        return {**state}
    wanted = wanted if wanted.startswith("s") else f"s{wanted}"
    plan["steps"] = [{**step, "status": status} if step.get("id") == wanted else step for step in plan.get("steps", [])]
    return {**state, "workflow": plan}


def revise(state: Any, payload: Any) -> Json:
    """Action: change the plan by a comment. Payload {"comment": "make step 3 smaller"}."""
    former = dict(state.get("workflow") or {})
    comment = str(payload.get("comment") or "")
    if not former.get("steps") or not comment.strip():
        return {**state}
    plan, said = revise_plan(former, comment)
    counts = {name: int((former.get("revision") or {}).get(name, 0)) for name in ("comments", "messages")}
    return {**state, "workflow": _logged(former, plan, comment, said, counts)}


def definition_folder(state: Any) -> dict[str, str]:
    """The plan as a definition folder that the loader accepts: path in the folder to text."""
    return definition_files(state)


def _former(facts: "Facts", key: str) -> Json | None:
    """The plan of this very chat; another chat's plan is no ground to revise on."""
    state = (facts.artifacts.get("ActionPlan") or {}).get("state")
    plan = state.get("workflow") if isinstance(state, Mapping) else None
    if not isinstance(plan, dict) or (plan.get("brief") or {}).get("key") != key or not plan.get("steps"):
        return None
    return plan if _count(facts, "plans") else None


def _comment(facts: "Facts", seen: Mapping[str, Any], counts: Mapping[str, int]) -> str:
    """The newest wish that is not in the plan yet."""
    if counts["messages"] > int(seen.get("messages", 0)):
        return facts.message
    if counts["comments"] > int(seen.get("comments", 0)):
        answer = facts.answers.get("approval")
        return str(answer.get("comment") or "") if isinstance(answer, Mapping) else ""
    return ""


def _reworded(former: Json, ideas: Mapping[str, Any], facts: "Facts", key: str, details: Mapping[str, Any]) -> Json:
    """A plan the reviewer returned: made again with the designer's new ideas, unless a person changed it already."""
    revision = former.get("revision") or {}
    if revision.get("log") or any(step.get("status") != "todo" for step in former["steps"]):
        return rebuild_summary(former)
    brief = brief_of(facts.first_message, facts.message if not facts.answers.get("approval") else "", details)
    if brief.text != (former.get("brief") or {}).get("text"):
        return rebuild_summary(former)
    return {**build_workflow(brief, details, ideas), "brief": former["brief"], "revision": revision}


def _logged(former: Json, plan: Json, comment: str, said: list[str], counts: Mapping[str, int]) -> Json:
    before = {step["id"]: step for step in former["steps"]}
    changed = [step["id"] for step in plan["steps"] if step != before.get(step["id"])]
    revision = {**(former.get("revision") or {}), **(plan.get("revision") or {})}
    log = [*(revision.get("log") or []), {"comment": comment[:500], "done": said}][-20:]
    return {**plan, "revision": {**revision, **counts, "log": log, "changed": changed}}


def _count(facts: "Facts", name: str) -> int:
    value = facts.variables.get(name, 0)
    return int(value) if isinstance(value, int | float) else 0


def _number(value: Any) -> float:
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10_000 else 0.0
    )
