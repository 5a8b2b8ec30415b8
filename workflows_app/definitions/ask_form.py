"""Human points of the YAML form: question, approval and form, with their expiry.

Rule: a default answer has the shape of a real one, so the run cannot tell an expired point from an answered one.
"""

import re
from typing import Any

from jsonschema import Draft202012Validator

from .declared import DeclaredAsk
from .reading import Reader, shown
from .sources import Source

KEYS = ("kind", "prompt", "schema", "options", "expires", "on_expiry", "default")
KINDS = ("question", "approval", "form")
EXPIRIES = ("fail", "default", "cancel")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d{1,9})\s*([smhdw])", re.ASCII)


def read_ask(source: Source, name: str, value: Any) -> DeclaredAsk:
    """The human point ``name``; what is wrong is reported at its line."""
    ask = Reader(source.sheet, ("ask", name), value, f"Human point `{name}`", KEYS)
    if ask.value:
        ask.require("kind", "prompt")
    kind = ask.choice("kind", KINDS, "question")
    schema = source.json_schema(ask, "schema")
    if kind == "form" and ask.value and not ask.has("schema"):
        ask.mistake(f"{ask.noun} is a form and needs a `schema`.")
    for key, kinds in (("schema", ("form",)), ("options", ("question", "approval"))):
        if ask.has(key) and kind not in kinds:
            ask.mistake(
                f"`{key}` is for a {' or '.join(kinds)}; this is {'an' if kind == 'approval' else 'a'} {kind}.", key
            )
    on_expiry = ask.choice("on_expiry", EXPIRIES, "fail")
    expires = _seconds(ask)
    if ask.has("on_expiry") and not ask.has("expires"):
        ask.mistake("`on_expiry` says nothing without `expires`.", "on_expiry")
    if (on_expiry == "default") != ask.has("default"):
        ask.mistake(
            "`default` is the answer given by `on_expiry: default`; the two belong together.",
            "default" if ask.has("default") else "on_expiry",
        )
    return DeclaredAsk(
        name=name,
        kind=kind,
        prompt=ask.text("prompt") or "",
        schema=schema,
        options=ask.texts("options") or None,
        expires=expires,
        on_expiry=on_expiry,
        default=_default(ask, kind, schema),
    )


def seconds(value: Any) -> int | None:
    """``90``, ``"90s"``, ``"30m"``, ``"12h"``, ``"7d"`` or ``"2w"`` in seconds; None where it is not a duration."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value > 0 else None
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    return int(match[1]) * _UNITS[match[2]] or None if match else None


def _seconds(ask: Reader) -> int | None:
    value = ask.value.get("expires")
    if value is not None and seconds(value) is None:
        sentence = f"`expires` is a time like 90s, 30m, 12h or 7d, not `{shown(value)}`."
        ask.mistake(sentence, "expires")
    return seconds(value)


def _default(ask: Reader, kind: str, schema: dict[str, Any] | None) -> Any:
    """The default answer in the shape of a real one: ``{"text"}``, ``{"approved", "comment"?}`` or the form's."""
    value = ask.value.get("default")
    if value is None:
        return None
    if kind == "question" and isinstance(value, str):
        value = {"text": value}
    if kind == "approval" and isinstance(value, bool):
        value = {"approved": value}
    shape = {"question": _QUESTION, "approval": _APPROVAL}.get(kind, schema)
    if shape is not None and (error := next(iter(Draft202012Validator(shape).iter_errors(value)), None)):
        ask.mistake(f"The default answer does not fit: {error.message}.", "default")
    return value


_QUESTION = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
_APPROVAL = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "comment": {"type": ["string", "null"]}},
    "required": ["approved"],
}
