"""What is left of frames, requests and rows when ids, times and sums are taken out: the content that must be equal.

Rule: a name for an id is given by the order of first use, so that two things that were told apart stay apart.
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import Any

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\bcall_\d+_\d+_[0-9a-f]{6}\b")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
PERSON = re.compile(r"\bperson\d+\b")
SUMS = re.compile(r"Tokens used so far: \d+")
LEFT_OUT = ("usage", "cache_seed", "last_updated_at", "created_at", "prompt_tokens", "completion_tokens")


def content(value: Any) -> Any:
    """``value`` without ids, times and sums of tokens."""
    text = json.dumps(_settled(_without(value)), sort_keys=True, ensure_ascii=False)
    names: dict[str, str] = {}
    text = ID.sub(lambda found: names.setdefault(found.group(), f"id{len(names)}"), text)
    text = PERSON.sub("person", TIME.sub("time", text))
    return json.loads(SUMS.sub("Tokens used so far: n", text))


def events(log: list[dict[str, Any]]) -> list[Any]:
    """The content of a chat's events, in order."""
    kept = [{"type": one["type"], "source": one["source"], "data": one["data"]} for one in log]
    found: list[Any] = content(kept)
    return found


def request(body: dict[str, Any]) -> str:
    """The content of a model call: two calls with the same are the same question."""
    return json.dumps(content(body), sort_keys=True, ensure_ascii=False)


def difference(one: Any, other: Any, where: str = "") -> str:
    """The first place where two values differ, for a person to read."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if one.get(key) != other.get(key):
                return difference(one.get(key), other.get(key), f"{where}.{key}")
    if isinstance(one, list) and isinstance(other, list):
        for number, (mine, theirs) in enumerate(zip(one, other, strict=False)):
            if mine != theirs:
                return difference(mine, theirs, f"{where}[{number}]")
        return f"{where}: {len(one)} entries, not {len(other)}"
    return f"{where}: {str(one)[:300]} instead of {str(other)[:300]}"


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(one) for key, one in value.items() if key not in LEFT_OUT}
    if isinstance(value, list):
        return [_without(one) for one in value]
    return value


def _settled(value: Any) -> Any:
    """Tools of one batch run side by side, so their results may come in any order: neighbours are sorted."""
    if isinstance(value, dict):
        return {key: _settled(one) for key, one in value.items()}
    if not isinstance(value, list):
        return value
    settled: list[Any] = []
    for result, group in groupby((_settled(one) for one in value), _is_result):
        neighbours = list(group)
        settled += sorted(neighbours, key=_words) if result else neighbours
    return settled


def _is_result(one: Any) -> bool:
    return isinstance(one, dict) and (one.get("role") == "tool" or one.get("type") == "chat.tool_response")


def _words(one: Any) -> str:
    return ID.sub("", json.dumps(one, sort_keys=True))
