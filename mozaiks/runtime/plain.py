"""Any value a tool or a model may bring, as JSON that every database stores.

Rule: the result is plain data: no tag in it is ever read as an instruction, and :func:`plain` never raises.
"""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from pydantic import BaseModel

DEEPEST = 60
LONGEST_INT = 1024  # bits; a longer one is text, since readers of JSON disagree on it
REPLACEMENT = "\ufffd"


def plain(value: Any) -> Any:
    """``value`` as dicts with text keys, lists, text, numbers, booleans and None."""
    return _plain(value, DEEPEST, ())


def clean_text(text: str) -> str:
    """``text`` without what a database refuses: NUL and lone surrogates become the replacement character."""
    if text.isascii():
        return text.replace("\x00", REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "".join(REPLACEMENT if "\ud800" <= char <= "\udfff" else char for char in text)
    return text.replace("\x00", REPLACEMENT)


def _plain(value: Any, depth: int, path: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _plain(value.value, depth - 1, path) if depth > 0 else REPLACEMENT
    if isinstance(value, str):
        return clean_text(str(value))
    if isinstance(value, int):
        return int(value) if value.bit_length() <= LONGEST_INT else hex(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _bytes(bytes(value))
    if depth <= 0 or id(value) in path:
        return "…"
    return _container(value, depth - 1, (*path, id(value)))


def _container(value: Any, depth: int, path: tuple[int, ...]) -> Any:
    if isinstance(value, BaseModel):
        return _plain(_dumped(value), depth, path)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name, None), depth, path) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, depth, path) for key, item in list(value.items())}
    if isinstance(value, (set, frozenset)):
        return [_plain(item, depth, path) for item in sorted(value, key=_as_text)]
    if isinstance(value, Iterable) and isinstance(value, (list, tuple)):
        return [_plain(item, depth, path) for item in list(value)]
    return _as_text(value)


def _dumped(model: BaseModel) -> Any:
    try:
        return model.model_dump(mode="json")
    except Exception:  # noqa: BLE001  a field may hold anything; what cannot be dumped is still shown
        return dict(model)


def _key(key: Any) -> str:
    if isinstance(key, Enum):
        key = key.value
    return clean_text(key if isinstance(key, str) else _as_text(key))


def _bytes(data: bytes) -> str:
    try:
        return clean_text(data.decode())
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()


def _as_text(value: Any) -> str:
    try:
        return clean_text(str(value))
    except Exception:  # noqa: BLE001  an author's __str__ may raise; a step is stored all the same
        return type(value).__name__
