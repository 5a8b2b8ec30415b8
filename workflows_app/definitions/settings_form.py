"""What both forms say in the same words: name, prerequisites, limits, policies and variables.

Rule: this is read from plain data, so the Python form's values pass the same checks as YAML's.
"""

from typing import Any

from .declared import Declared, empty_declared
from .expressions import SOURCES
from .reading import NAME, Reader, shown

REQUIREMENTS = ("workflow", "artifact", "role", "setting")
ROLES = ("owner", "member", "viewer")
BUSY = ("queue", "reject", "interrupt", "steer")
LIMITS = ("turns", "tokens", "minutes")
_WORDS = ("and", "or", "not", "in", "true", "false", "null", "True", "False", "None")


def read_settings(top: Reader) -> Declared:
    """What both forms say in the same words; agents, asks, route and what they publish are left empty."""
    declared = empty_declared()
    declared["workflow"] = top.name("workflow") or ""
    declared["description"] = top.text("description") or ""
    declared["keywords"] = top.texts("keywords")
    declared["requires"] = _requires(top)
    declared["reads"] = top.names("reads")
    declared["variables"] = _variables(top)
    declared["limits"] = _limits(top)
    declared["seed"] = top.text("seed")
    declared["starts_by"] = top.choice("starts_by", ("user", "agent"), "user")
    declared["on_busy"] = top.choice("on_busy", BUSY, "queue")
    declared["model"] = top.text("model")
    declared["views"] = top.mapping("views")
    declared["prompts_to_try"] = top.texts("prompts_to_try")
    declared["expected_minutes"] = top.number("expected_minutes", whole=False)
    return declared


def _requires(top: Reader) -> list[dict[str, str]]:
    found = []
    for index, item in top.items("requires"):
        if not isinstance(item, dict) or len(item) != 1:
            top.mistake(
                "A prerequisite is one of `workflow: NAME`, `artifact: TYPE`, `role: …`, `setting: NAME`.",
                "requires",
                index,
            )
            continue
        entry = Reader(top.sheet, ("requires", index), item, "A prerequisite", REQUIREMENTS)
        kind = next(iter(item))
        value = entry.name(kind) if kind in REQUIREMENTS else None
        if kind == "role" and value:
            value = entry.choice("role", ROLES, "member")
        if value:
            found.append({"kind": kind, "value": value})
    return found


def _limits(top: Reader) -> dict[str, int | float]:
    if not top.has("limits"):
        return {}
    limits = Reader(top.sheet, ("limits",), top.value["limits"], "`limits`", LIMITS)
    read = {key: limits.number(key, whole=key != "minutes") for key in LIMITS}
    return {key: value for key, value in read.items() if value is not None}


def _variables(top: Reader) -> dict[str, Any]:
    good = {}
    for name, value in top.mapping("variables").items():
        if not NAME.fullmatch(name) or name in (*SOURCES, *_WORDS):
            top.mistake(f"`{shown(name)}` cannot be the name of a variable.", "variables", name)
        else:
            good[name] = value
    return good
