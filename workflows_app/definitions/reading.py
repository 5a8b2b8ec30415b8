"""Reading one mapping of the YAML form: known keys, right kinds, else a `Problem` at the line.

Rule: a reader never raises; what is wrong is reported and read as absent, so that all mistakes are found at once.
"""

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from .located import At, Sheet
from .problems import did_you_mean

# Words that belong to a later release: refused by name rather than as unknown keys.
LATER = {
    "choose": "Choice by the model among named agents",
    "choice": "Choice by the model among named agents",
    "handoff": "Hand-off by a tool",
    "handoffs": "Hand-off by a tool",
    "parallel": "Parallel branches with a join",
    "join": "Parallel branches with a join",
    "mcp": "MCP toolkits in the YAML form",
}
REFERENCE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
NAME = re.compile(r"[A-Za-z]\w{0,63}", re.ASCII)


class Reader:
    """A mapping at ``at`` whose keys must be among ``keys``; ``noun`` names it in sentences ("Agent `scout`")."""

    def __init__(self, sheet: Sheet, at: At, value: Any, noun: str, keys: Collection[str]) -> None:
        self.sheet, self.at, self.noun = sheet, at, noun
        self.value: dict[str, Any] = value if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            self.mistake(f"{noun} must be a mapping of keys: {', '.join(keys)}.")
        for key in self.value:
            if key in keys:
                continue
            if key in LATER:
                self.mistake(f"{LATER[key]} (`{key}`) comes in a later release.", key)
            else:
                hint = did_you_mean(key, keys) or f" Its keys are {', '.join(keys)}."
                self.mistake(f"{noun} has no key `{shown(key)}`.{hint}", key)

    def mistake(self, sentence: str, *at: str | int) -> None:
        self.sheet.mistake((*self.at, *at), sentence)

    def has(self, key: str) -> bool:
        return self.value.get(key) is not None

    def require(self, *keys: str) -> None:
        for key in keys:
            if not self.has(key):
                self.mistake(f"{self.noun} needs `{key}`.", *([key] if key in self.value else []))

    def text(self, key: str) -> str | None:
        value = self.value.get(key)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        self.mistake(f"`{key}` must be text.", key)
        return None

    def choice(self, key: str, choices: Collection[str], default: str) -> str:
        value = self.value.get(key)
        if value is None or value in choices:
            return value or default
        hint = did_you_mean(str(value), choices)
        self.mistake(f"`{key}` must be {' or '.join(choices)}, not `{shown(value)}`.{hint}", key)
        return default

    def flag(self, key: str, default: bool) -> bool:
        value = self.value.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.mistake(f"`{key}` must be true or false, not `{shown(value)}`.", key)
        return default

    def number(self, key: str, *, whole: bool) -> int | float | None:
        value = self.value.get(key)
        right = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if value is None or (right and value > 0):
            return value
        self.mistake(f"`{key}` must be a {'whole ' if whole else ''}number above zero, not `{shown(value)}`.", key)
        return None

    def name(self, key: str) -> str | None:
        value = self.text(key)
        if value is None or NAME.fullmatch(value):
            return value
        self.mistake(f"`{key}` is a name: letters, digits and underscores, at most 64, not `{shown(value)}`.", key)
        return None

    def reference(self, key: str, what: str) -> str | None:
        """A ``module:name`` that points into the folder's Python."""
        value = self.value.get(key)
        return None if value is None else self.as_reference(value, what, key)

    def as_reference(self, value: Any, what: str, *at: str | int) -> str | None:
        if isinstance(value, str) and REFERENCE.fullmatch(value):
            return value
        self.mistake(f"{what} is written `file:name`, like `tools:search` for `search` in tools.py.", *at)
        return None

    def texts(self, key: str) -> list[str]:
        value = self.value.get(key)
        if value is None:
            return []
        if isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value):
            return value
        self.mistake(f"`{key}` must be a list of texts.", key)
        return []

    def names(self, key: str) -> list[str]:
        good = []
        for index, value in enumerate(self.texts(key)):
            if NAME.fullmatch(value):
                good.append(value)
            else:
                self.mistake(f"`{shown(value)}` is not a name: letters, digits and underscores.", key, index)
        return good

    def mapping(self, key: str) -> dict[str, Any]:
        value = self.value.get(key)
        if value is None or isinstance(value, dict):
            return value or {}
        self.mistake(f"`{key}` must be a mapping.", key)
        return {}

    def items(self, key: str) -> Iterator[tuple[int, Any]]:
        value = self.value.get(key)
        if isinstance(value, list):
            yield from enumerate(value)
        elif value is not None:
            self.mistake(f"`{key}` must be a list.", key)


def shown(value: Any) -> str:
    """A value as a sentence shows it: one line, at most 60 characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:59] + "…"
