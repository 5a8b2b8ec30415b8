"""From bytes on a socket to a JSON object, or a refusal; nothing a client sends gets further unchecked (law 13)."""

from __future__ import annotations

import json
import re
from typing import Any

from .errors import SchemaInvalid, TooLarge

MAX_FRAME = 64 * 1024
"""Bytes of one client frame; above this ``TOO_LARGE`` (PROTOCOL section 1)."""
MAX_DEPTH = 32
MAX_KEYS = 1_000
_ID_NEAR_THE_START = re.compile(r'\s*\{[^{}\[\]]{0,1000}?"id"\s*:\s*"([^"\\\x00-\x1f]{1,64})"')
_OPENERS = re.compile(r"[\[{]")


def decode(text: str | None) -> dict[str, Any]:
    """The JSON object in ``text``.

    Raises:
        TooLarge: above ``MAX_FRAME`` bytes.
        SchemaInvalid: not text, not JSON, not an object, too deep, or with NUL, lone surrogates, NaN or duplicate keys.
    """
    if text is None:
        raise SchemaInvalid("A frame must be a text message that holds one JSON object.")
    if len(text) > MAX_FRAME or len(text.encode("utf-8", "surrogatepass")) > MAX_FRAME:
        raise TooLarge(f"A frame may have at most {MAX_FRAME} bytes; larger states go by REST.")
    if len(_OPENERS.findall(text)) > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise SchemaInvalid(f"The frame is nested deeper than {MAX_DEPTH} levels.")
    try:
        frame = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer, parse_float=_number
        )
    except (ValueError, RecursionError) as error:
        if isinstance(error, _Bad):
            raise SchemaInvalid(str(error)) from None
        raise SchemaInvalid("The frame is not valid JSON.") from None
    if not isinstance(frame, dict):
        raise SchemaInvalid("A frame must be one JSON object.")
    return frame


def usable_id(frame: Any) -> str | None:
    """The frame's command id where it can be used to answer it, else None."""
    value = frame.get("id") if isinstance(frame, dict) else None
    return value if isinstance(value, str) and 1 <= len(value) <= 64 and _is_clean(value) else None


def id_of_large(text: str) -> str | None:
    """The command id of a frame too large to be parsed, where it stands near the start and outside of any value."""
    found = _ID_NEAR_THE_START.match(text[:2_000])
    return found[1] if found and _is_clean(found[1]) else None


def check_strings(value: Any, where: str = "") -> None:
    """Refuse NUL and lone surrogates anywhere in ``value``, naming the field."""
    if isinstance(value, str):
        if not _is_clean(value):
            raise SchemaInvalid(f"{where or 'A string'} holds a NUL character or a lone surrogate.")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not _is_clean(key):
                raise SchemaInvalid("A field name holds a NUL character or a lone surrogate.")
            check_strings(item, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_strings(item, f"{where}[{index}]")


class _Bad(ValueError):
    pass


def _is_clean(text: str) -> bool:
    if "\x00" in text:
        return False
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise _Bad(f"An object may have at most {MAX_KEYS} fields.")
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Bad("An object names the same field twice.")
    return result


def _integer(digits: str) -> int:
    if len(digits) > 19:
        raise _Bad("A number is too large.")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits[:400])
    if value in (float("inf"), float("-inf")):
        raise _Bad("A number is too large.")
    return value


def _no_constant(name: str) -> Any:
    raise _Bad(f"{name} is not JSON.")


def _depth(text: str) -> int:
    depth = deepest = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest
