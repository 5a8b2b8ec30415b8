"""Texts that match a regular expression, for the ``pattern`` of a schema.

One rule: only plain expressions are walked (literals, classes, groups, branches, repeats); the caller checks the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

PREFERRED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.,:/@+#"
LONGEST = 500


def matching(pattern: str, turn: int, least: int) -> Iterator[str]:
    """Candidate texts, the shortest first; none for a pattern that is not plain. ``turn`` varies the letters."""
    try:
        parsed = list(re._parser.parse(pattern))  # type: ignore[attr-defined]
    except (re.error, RecursionError, OverflowError):
        return
    for more in (0, 1, 3, least, least * 2):
        text = _walk(parsed, turn, more)
        if text is not None:
            yield text


def _walk(parsed: Any, turn: int, more: int) -> str | None:
    made = ""
    for number, (op, argument) in enumerate(parsed):
        part = _part(str(op), argument, turn + number, more)
        if part is None or len(made) + len(part) > LONGEST:
            return None
        made += part
    return made


def _part(op: str, argument: Any, turn: int, more: int) -> str | None:
    match op:
        case "LITERAL":
            return chr(argument)
        case "NOT_LITERAL":
            return next(char for char in PREFERRED if ord(char) != argument)
        case "ANY":
            return PREFERRED[turn % 26]
        case "AT" | "ASSERT" | "ASSERT_NOT":
            return ""  # anchors take no room; the caller checks what look-arounds ask
        case "IN":
            return _one_of(argument, turn)
        case "SUBPATTERN":
            return _walk(argument[3], turn, more)
        case "BRANCH":
            return next((text for branch in argument[1] if (text := _walk(branch, turn, more)) is not None), None)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, body = argument
            times = min(max(low, low + more), high if isinstance(high, int) else low + more, LONGEST)
            parts = [_walk(body, turn + number, 0) for number in range(times)]
            return None if any(part is None for part in parts) else "".join(part for part in parts if part)
        case _:
            return None


def _one_of(choices: Any, turn: int) -> str | None:
    fitting = [char for char in PREFERRED if _in_class(char, choices)]
    if fitting:
        return fitting[turn % len(fitting)]
    for op, argument in choices:
        if str(op) == "LITERAL":
            return chr(argument)
        if str(op) == "RANGE":
            return chr(argument[0])
    return None


def _in_class(char: str, choices: Any) -> bool:
    inside, negated = False, False
    for op, argument in choices:
        match str(op):
            case "NEGATE":
                negated = True
            case "LITERAL":
                inside = inside or ord(char) == argument
            case "RANGE":
                inside = inside or argument[0] <= ord(char) <= argument[1]
            case "CATEGORY":
                inside = inside or _in_category(char, str(argument))
    return inside != negated


def _in_category(char: str, category: str) -> bool:
    positive = {
        "DIGIT": char.isdigit(),
        "WORD": char.isalnum() or char == "_",
        "SPACE": char.isspace(),
    }.get(category.rsplit("_", 1)[-1], False)
    return positive != ("_NOT_" in category)
