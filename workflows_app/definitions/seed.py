"""The seed: the hidden first message of a workflow, with ``{message}`` and ``{variables.NAME}`` filled in.

Rule: one pass of plain replacement, so what a user writes is never read as a placeholder. ``{{`` and ``}}`` are braces.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from .problems import did_you_mean

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def fill_seed(seed: str, message: str, variables: Mapping[str, Any]) -> str:
    """``seed`` with its placeholders replaced; what is not known stays as written."""

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if match[0] in ("{{", "}}"):
            return match[0][0]
        if name == "message":
            return message
        if name and name.startswith("variables.") and name[10:] in variables:
            return str(variables[name[10:]])
        return match[0]

    return _PLACEHOLDER.sub(replace, seed)


def seed_mistakes(seed: str, variables: Collection[str]) -> list[str]:
    """A sentence for each placeholder of ``seed`` that is not known."""
    known = ["message", *(f"variables.{name}" for name in variables)]
    sentences = []
    for match in _PLACEHOLDER.finditer(seed):
        if match[0] in ("{", "}"):
            sentences.append(f"The seed has a single `{match[0]}`; write `{match[0] * 2}` for a brace.")
        elif match[1] is not None and match[1] not in known:
            sentences.append(
                f"The seed's placeholder `{{{match[1]}}}` is not known; there are {{message}} and {{variables.NAME}}"
                f" for a declared variable.{did_you_mean(match[1], known)}"
            )
    return sentences
