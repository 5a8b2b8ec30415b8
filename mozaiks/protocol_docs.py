"""Writes docs/protocol.md and docs/protocol.schema.json from the code: what is not in the code is not documented."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from mozaiks.config import ROOT, Limits
from mozaiks.gateway.registry import Registered, all_commands
from mozaiks.protocol import frames
from mozaiks.protocol.close_codes import CLOSE_CODES
from mozaiks.protocol.commands import Cursor
from mozaiks.protocol.errors import CODES, Refused
from mozaiks.protocol.events import EVENTS, Event, Source
from mozaiks.protocol.shapes import (
    ChatHead,
    LastArtifact,
    ModelShown,
    QueuedItem,
    RefusedCursor,
    SessionState,
    Tab,
    UsageTotals,
)
from mozaiks.protocol.signals import SIGNALS, Signal

MARKDOWN = ROOT / "docs" / "protocol.md"
SCHEMA = ROOT / "docs" / "protocol.schema.json"
SHAPES = (ChatHead, Cursor, LastArtifact, ModelShown, QueuedItem, RefusedCursor, Tab, UsageTotals)

INTRODUCTION = """# Protocol

One WebSocket per user and app, `GET /ws/{app_id}`, carries JSON objects as text messages. This page is written by
`manage.py protocol_docs` from the code; `docs/protocol.schema.json` has the same as JSON Schema. REST is described by
the server itself, at `/api/schema` and `/api/docs`.

A client sends **commands** and gets exactly one **result** for each, after the commit. The server sends **events**, the
numbered entries of a chat's log, and **signals**, hints that are in no log. Ids are lower-case UUIDs, but `app_id` is
the app's slug and `user_id` the username. Times are RFC 3339 in UTC.
"""
COMMANDS = """## Commands

`{"type": "…", "id": "<1-64 characters>", …fields}`. The first one is `session.hello`. The answer is
`{"type": "result", "re": "<id>", "ok": true, "data": {…}, "duplicate": false}` or
`{"type": "result", "re": "<id>", "ok": false, "error": {"code", "message", "retryable"}}`.

A command that *counts once* is claimed by its id, per user and app, in the transaction of its effects: the same id with
the same body gets the first answer again with `duplicate: true`, with another body `ID_REUSED`. The others may be
repeated freely.
A member with the role `viewer` may send the commands marked so. Unknown fields are refused.
"""
EVENTS_TEXT = """## Events

`{"type", "chat_id", "epoch", "seq", "event_id", "timestamp", "source", "data": {…}}`; `seq` starts at 1 and has no
holes; `"replay": true` stands on what is older than the moment of following. `source` is one of SOURCES. The fields
below are those of `data`; an optional one without a value is left out.
"""
SIGNALS_TEXT = """## Signals

`{"type": "…", …fields}`; no `seq`. Losing one changes nothing but latency.
"""


def write() -> list[str]:
    """Write both files; the names of those that changed."""
    changed = stale()
    MARKDOWN.write_text(markdown(), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")
    return changed


def stale() -> list[str]:
    """The files that are missing or do not say what the code says."""
    wanted = {MARKDOWN: markdown(), SCHEMA: schema()}
    return [
        str(path.relative_to(ROOT))
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def markdown() -> str:
    """The page for people."""
    sources = ", ".join(f"`{source}`" for source in Source.__args__)  # type: ignore[attr-defined]
    parts = [
        INTRODUCTION,
        COMMANDS,
        *(_command(name, found) for name, found in sorted(all_commands().items())),
        EVENTS_TEXT.replace("SOURCES", sources),
        *(_message(name, event, omit=("type", "source")) for name, event in EVENTS.items()),
        SIGNALS_TEXT,
        *(_message(name, signal, omit=("type",)) for name, signal in SIGNALS.items()),
        "## Session state\n",
        _message("The result of `session.hello` and `session.list`", SessionState, omit=(), heading="###", code=False),
        "## Objects\n\nWhat fields of the tables above hold.\n",
        *(_message(shape.__name__, shape, omit=(), code=False) for shape in SHAPES),
        _errors(),
        _close_codes(),
        _limits(),
    ]
    return "\n".join(parts).rstrip() + "\n"


def schema() -> str:
    """JSON Schema (2020-12) of every command, event and signal; each under ``$defs`` by its type."""
    defs: dict[str, Any] = {}
    for name, found in sorted(all_commands().items()):
        defs[name] = _schema_of(found.schema, "validation", defs)
    for name, event in EVENTS.items():
        defs[name] = _event_schema(name, event, defs)
    for name, signal in SIGNALS.items():
        defs[name] = _schema_of(signal, "validation", defs)
    defs["session.state"] = _schema_of(SessionState, "validation", defs)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Mozaiks protocol 1",
        "commands": {"oneOf": [_ref(name) for name in sorted(all_commands())]},
        "events": {"oneOf": [_ref(name) for name in EVENTS]},
        "signals": {"oneOf": [_ref(name) for name in SIGNALS]},
        "$defs": dict(sorted(defs.items())),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _command(name: str, found: Registered) -> str:
    facts = ["Counts once" if found.schema.claimed else "Not claimed"]
    if found.viewers:
        facts.append("open to viewers")
    facts.append({"writer": "runs as a write", "reader": "runs as a read", "socket": "asks no database"}[found.place])
    return _message(name, found.schema, omit=("type", "id"), note=f"*{', '.join(facts)}.*")


def _message(
    name: str,
    model: type[BaseModel],
    *,
    omit: Iterable[str],
    note: str = "",
    heading: str = "###",
    code: bool = True,
) -> str:
    parts = [f"{heading} `{name}`" if code else f"{heading} {name}", "", doc(model)]
    if note:
        parts += ["", note]
    rows = _rows(model, set(omit))
    if rows:
        parts += ["", "| field | type | |", "|---|---|---|", *rows]
    return "\n".join([*parts, ""])


def doc(cls: type) -> str:
    """The class's own docstring, never one it inherits; empty where there is none."""
    text = inspect.cleandoc(cls.__doc__) if "__doc__" in vars(cls) and cls.__doc__ else ""
    return text.replace("``", "`")


def _rows(model: type[BaseModel], omit: set[str]) -> list[str]:
    found = model.model_json_schema(mode="validation", by_alias=True)
    required = set(found.get("required", ()))
    rows = []
    for name, field in found.get("properties", {}).items():
        shown = "schema" if name == "input_schema" else name
        if name in omit:
            continue
        text = field.get("description", "")
        notes = [text] if text else []
        if name not in required:
            default = field.get("default")
            notes.append("optional" if default is None else f"default `{json.dumps(default)}`")
        notes += _bounds(field)
        rows.append(f"| `{shown}` | {_type(field)} | {'; '.join(notes)} |")
    return rows


def _bounds(field: dict[str, Any]) -> list[str]:
    for part in (field, *field.get("anyOf", ())):
        names = {"minLength": "at least {} characters", "maxLength": "at most {} characters", "maxItems": "at most {}",
                 "maxProperties": "at most {}", "minimum": "from {}"}  # fmt: skip
        found = [text.format(part[name]) for name, text in names.items() if name in part]
        if found:
            return found
    return []


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(part) for part in field["anyOf"]))
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[-1]
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    if field.get("format") == "uuid":
        return "id"
    return str(field.get("type", "any"))


def _errors() -> str:
    rows = [
        f"| `{code}` | {cls.status} | {'yes' if cls.retryable else ''} | {_flat(cls)} |" for code, cls in CODES.items()
    ]
    head = "## Error codes\n\nThe code of a refusal; REST answers with the status.\n"
    return "\n".join([head, "| code | status | retryable | |", "|---|---|---|---|", *rows, ""])


def _flat(cls: type[Refused]) -> str:
    return " ".join(doc(cls).split())


def _close_codes() -> str:
    rows = [f"| {code} | {'yes' if final else ''} | {text} |" for code, (text, final) in CLOSE_CODES.items()]
    head = "## Close codes\n\nAfter a final one a client does not connect again by itself.\n"
    return "\n".join([head, "| code | final | |", "|---|---|---|", *rows, ""])


def _limits() -> str:
    rows = [
        f"| `{name}` | `MOZAIKS_LIMIT_{name.upper()}` | {field.default:,} |"
        for name, field in Limits.__dataclass_fields__.items()
    ]
    text = (
        "## Limits\n\nTold in `limits` of the session state. A frame has at most "
        f"{frames.MAX_FRAME:,} bytes (`TOO_LARGE`; above 1 MiB the socket closes with 1009), "
        f"{frames.MAX_DEPTH} levels and {frames.MAX_KEYS:,} fields in an object.\n"
    )
    return "\n".join([text, "| limit | setting | default |", "|---|---|---|", *rows, ""])


def _schema_of(model: type[BaseModel], mode: Any, defs: dict[str, Any]) -> dict[str, Any]:
    found = model.model_json_schema(mode=mode, by_alias=True, ref_template="#/$defs/{model}")
    for name, shared in found.pop("$defs", {}).items():
        defs.setdefault(name, shared)
    return found


def _event_schema(name: str, event: type[Event], defs: dict[str, Any]) -> dict[str, Any]:
    data = _schema_of(event, "validation", defs)
    properties = {
        "schema" if key == "input_schema" else key: value
        for key, value in data["properties"].items()
        if key not in ("type", "source")
    }
    required = [key for key in data.get("required", ()) if key not in ("type", "source")]
    strings = {"chat_id": "uuid", "epoch": "uuid", "event_id": "uuid", "timestamp": "date-time"}
    return {
        "title": event.__name__,
        "description": doc(event),
        "type": "object",
        "properties": {
            "type": {"const": name},
            **{key: {"type": "string", "format": form} for key, form in strings.items()},
            "seq": {"type": "integer", "minimum": 1},
            "source": {"enum": list(Source.__args__)},  # type: ignore[attr-defined]
            "replay": {"const": True},
            "data": {"type": "object", "properties": properties, "required": required},
        },
        "required": ["type", *strings, "seq", "source", "data"],
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def documented() -> dict[str, type[BaseModel] | type[Signal] | type[Refused]]:
    """Everything that the page must say something about, by its name on the wire."""
    return {
        **{name: found.schema for name, found in all_commands().items()},
        **EVENTS,
        **SIGNALS,
        **CODES,
    }
