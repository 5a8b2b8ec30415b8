"""The context variables of a turn, shared by its tools and stored with the result of the tool that changed them.

Rule: a change counts once its tool's result is stored; until then a re-execution starts from the stored values.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Mapping, ValuesView
from dataclasses import is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from mozaiks.runtime.plain import plain
from mozaiks.runtime.staging import CURRENT_TOOL

SCALARS = (str, int, float, type(None))
# Other objects (a client, a lock an agent declares) live as long as the execution and are not stored.
CONTAINERS = (bytes, Mapping, list, tuple, set, frozenset, BaseModel)
STORABLE = (*SCALARS, *CONTAINERS, Enum, date, time, timedelta, Decimal, UUID)
_ABSENT = object()


class Variables(dict[str, Any]):
    """A dict that remembers which tool call touched which key, so that each step stores its own tool's changes."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self.stored: dict[str, Any] = plain(dict(stored))
        self._touched: dict[str, set[str]] = {}
        super().__init__(plain(self.stored))

    def changed_by(self, tool_call_id: str) -> dict[str, Any] | None:
        """The absolute values to store with this tool's result, or None when it changed nothing."""
        return self._merged(self._touched.get(tool_call_id, set()))

    def changed(self) -> dict[str, Any] | None:
        """The same for everything, for the moments when no tool runs."""
        return self._merged({*self.stored, *self})

    def keep(self, values: dict[str, Any] | None, tool_call_id: str | None = None) -> None:
        """``values`` are stored now."""
        if values is not None:
            self.stored = values
        if tool_call_id is not None:
            self._touched.pop(tool_call_id, None)

    def _merged(self, keys: Iterable[str]) -> dict[str, Any] | None:
        values = dict(self.stored)
        for key in keys:
            value = dict.get(self, key, _ABSENT)
            if value is _ABSENT:
                values.pop(key, None)
            elif isinstance(value, STORABLE) or is_dataclass(value):
                values[str(key)] = plain(value)
        return None if values == self.stored else values

    def _touch(self, keys: Iterable[str]) -> None:
        if (tool := CURRENT_TOOL.get()) is not None:
            self._touched.setdefault(tool.tool_call_id, set()).update(list(keys))

    def _read(self, keys: Iterable[str]) -> None:
        """Reading a list or a dict counts as touching it: the tool may change it in place."""
        self._touch(key for key in list(keys) if not isinstance(dict.get(self, key), SCALARS))

    def __getitem__(self, key: str) -> Any:
        self._read([key])
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._read([key])
        return super().get(key, default)

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        self._read(self)
        return super().items()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        self._read(self)
        return super().values()

    def __setitem__(self, key: str, value: Any) -> None:
        self._touch([key])
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self._touch([key])
        super().__delitem__(key)

    def setdefault(self, key: str, default: Any = None) -> Any:
        self._touch([key])
        return super().setdefault(key, default)

    def pop(self, key: str, *default: Any) -> Any:
        self._touch([key])
        return super().pop(key, *default)

    def popitem(self) -> tuple[str, Any]:
        self._touch(self)
        return super().popitem()

    def clear(self) -> None:
        self._touch(self)
        super().clear()

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __ior__(self, other: Any) -> Variables:  # type: ignore[override, misc]
        self.update(other)
        return self
