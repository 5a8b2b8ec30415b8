"""Writes a plan as a workflow folder that the product's own loader accepts: the definition compiler.

Rule: whatever the plan's texts say, only identifiers checked here reach Python; texts go into YAML and prompts as data.
"""

import keyword
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import yaml

from .schedule import in_order

Json = dict[str, Any]

_TOOLS = '''"""Small tools of this workflow: they count, order and compare, so that the agents need not."""

from typing import Any


def draft_checklist(items: list[str]) -> list[dict[str, Any]]:
    """Turn points into a checklist without repetitions."""
    return [{"point": item, "done": False} for item in dict.fromkeys(item.strip() for item in items) if item]


def compare_options(
    options: list[dict[str, Any]], criterion: str, lower_is_better: bool = True
) -> list[dict[str, Any]]:
    """Order options by one numeric criterion, best first; options without that figure come last."""
    known = [o for o in options if isinstance(o.get(criterion), int | float)]
    ordered = sorted(known, key=lambda o: float(o[criterion]), reverse=not lower_is_better)
    return ordered + [o for o in options if o not in known]


def sum_budget(lines: list[dict[str, Any]], reserve_percent: float = 10) -> dict[str, float]:
    """Add up lines of {"what", "amount"} and put a reserve on top."""
    total = sum(float(line.get("amount", 0)) for line in lines)
    return {"total": round(total, 2), "with_reserve": round(total * (1 + reserve_percent / 100), 2)}


def make_schedule(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put tasks of {"what", "days"} one after another, with first and last day from 1."""
    day, rows = 1.0, []
    for task in tasks:
        days = max(0.5, float(task.get("days", 1)))
        rows.append({**task, "from": day, "to": day + days - 0.5})
        day += days
    return rows


def estimate_effort(best: float, likely: float, worst: float) -> dict[str, float]:
    """Three-point estimate in days: the mean and how far it may be off."""
    return {"days": round((best + 4 * likely + worst) / 6, 1), "spread": round((worst - best) / 6, 1)}


def table_of(rows: list[dict[str, Any]]) -> str:
    """Rows as a Markdown table with all their columns."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return "\\n".join(lines + ["| " + " | ".join(str(row.get(c, "")) for c in columns) + " |" for row in rows])
'''
TOOLBOX = frozenset(re.findall(r"^def (\w+)", _TOOLS, re.MULTILINE))
_RESERVED = frozenset({"start", "message", "rest", "end", "approve", "output", "answer", "variables"})


def definition_files(state: Any) -> dict[str, str]:
    """Path in the folder to text, from an ActionPlan's state. A plan without steps gives one agent that asks."""
    plan = state.get("workflow") if isinstance(state, Mapping) else None
    plan = plan if isinstance(plan, Mapping) else {}
    steps = in_order([dict(step) for step in plan.get("steps") or [] if isinstance(step, Mapping) and step.get("id")])
    agents = _agents(plan, steps)
    types = _types(plan)
    files = {"tools.py": _TOOLS, "schemas.py": _schemas(types)}
    declared: dict[str, Json] = {}
    for number, (name, agent) in enumerate(agents.items()):
        files[f"prompts/{name}.md"] = _prompt(agent, plan, steps)
        entry: Json = {"prompt": f"prompts/{name}.md"}
        chosen = [tool for tool in agent.get("tools") or [] if tool in TOOLBOX]
        if chosen:
            entry["tools"] = [f"tools:{tool}" for tool in dict.fromkeys(chosen)]
        if number < len(types):
            kind = list(types)[number]
            entry |= {"output": f"schemas:{kind}List", "publish": kind}
        declared[name] = entry
    sheet: Json = {
        "workflow": _class_name(plan.get("title"), "PlannedWorkflow"),
        "description": _line(plan.get("goal"), 300) or "A planned workflow.",
        "limits": {"turns": max(12, 4 * len(declared)), "tokens": 200_000, "minutes": 60},
        "agents": declared,
        "ask": {
            "approve": {
                "kind": "approval",
                "prompt": "Is the result what you need? A comment goes back to the last agent.",
            }
        },
        "route": _route(list(declared)),
    }
    files["workflow.yaml"] = yaml.safe_dump(sheet, sort_keys=False, allow_unicode=True, width=110)
    return files


def _agents(plan: Mapping[str, Any], steps: list[Json]) -> dict[str, Json]:
    """The agents in the order of their first step, under names that may stand in a route."""
    first = {str(step.get("agent")): number for number, step in reversed(list(enumerate(steps)))}
    given = [agent for agent in plan.get("agents") or [] if isinstance(agent, Mapping)]
    found: dict[str, Json] = {}
    for number, agent in enumerate(sorted(given, key=lambda a: first.get(str(a.get("name")), 999)), 1):
        name = re.sub(r"[^a-z0-9_]+", "_", str(agent.get("name", "")).lower()).strip("_")[:40]
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in _RESERVED or name in found:
            name = f"agent_{number}"
        found[name] = dict(agent)
    return found or {"helper": {"name": "helper", "purpose": "Asks what is to be done and helps with it."}}


def _types(plan: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number, item in enumerate(plan.get("artifacts") or [], 1):
        if not isinstance(item, Mapping):
            continue
        kind = _class_name(item.get("type"), f"Result{number}")
        fields = []
        for field in item.get("fields") or []:
            name = re.sub(r"[^a-z0-9_]+", "_", str(field).lower()).strip("_")[:40]
            if re.fullmatch(r"[a-z][a-z0-9_]*", name) and not keyword.iskeyword(name) and not name.startswith("model_"):
                fields.append(name)
        if kind not in found and f"{kind}List" not in found:
            found[kind] = list(dict.fromkeys(fields)) or ["text"]
    return found


def _schemas(types: Mapping[str, list[str]]) -> str:
    lines = ['"""What the agents of this workflow answer."""', "", "from pydantic import BaseModel", ""]
    for kind, fields in types.items():
        lines += ["", f"class {kind}(BaseModel):", *[f"    {field}: str" for field in fields], ""]
        lines += ["", f"class {kind}List(BaseModel):", "    summary: str", f"    items: list[{kind}]", ""]
    return "\n".join(lines).rstrip() + "\n"


def _prompt(agent: Mapping[str, Any], plan: Mapping[str, Any], steps: list[Json]) -> str:
    text = str(agent.get("prompt") or agent.get("purpose") or "Help with the work.")
    waits = [step["id"] for step in steps if step.get("agent") == agent.get("name") and step.get("approval")]
    note = f"\n\nSay clearly that a person approves the result of {', '.join(waits)}." if waits else ""
    return f"{text}{note}\n"


def _route(names: list[str]) -> list[Json]:
    places = ["start", *names, "approve"]
    edges: list[Json] = [{"from": a, "to": b} for a, b in pairwise(places)]
    return [*edges, {"from": "approve", "to": "end", "when": "answer.approved"}, {"from": "approve", "to": names[-1]}]


def _class_name(text: object, otherwise: str) -> str:
    words = re.findall(r"[A-Za-z][A-Za-z0-9]*", str(text or ""))
    name = "".join(word[:1].upper() + word[1:] for word in words)[:40]
    bad = (
        not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name)
        or keyword.iskeyword(name)
        or name in ("BaseModel", "None", "True", "False")
    )
    return otherwise if bad else name


def _line(text: object, limit: int) -> str:
    return " ".join(str(text or "").split())[:limit]
