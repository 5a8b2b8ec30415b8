"""AG2 events to JSON and back, for the events that are stored.

Rule: a closed list of kinds, each with its own fields. Data that came from a model, a tool or a user sits in a field
that is only ever read as data, so nothing in it can name a class or look like an instruction. AG2's own serializer
instantiates any class that stored data names; it is not used.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from ag2.events import (
    BaseEvent,
    BinaryInput,
    BinaryResult,
    DataInput,
    FileIdInput,
    Input,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextInput,
    ToolCallEvent,
    ToolCallsEvent,
    ToolErrorEvent,
    ToolNotFoundEvent,
    ToolResult,
    ToolResultEvent,
    UnknownEvent,
    UrlInput,
    Usage,
)
from ag2.events.input_events import BinaryType

from mozaiks.runtime.plain import clean_text, plain

VERSION = 1
USAGE_FIELDS = (
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "thinking_tokens",
)


class NotStored(TypeError):
    """An event of a kind that is never stored was given to :func:`encode`."""


class StoredError(Exception):
    """The error of a tool call, as it was stored: its kind and message in one line."""


def encode(event: BaseEvent) -> dict[str, Any]:
    """The event as JSON. Raises NotStored for a kind outside the list."""
    for types, kind, fields in KINDS:
        if isinstance(event, types):
            return {"v": VERSION, "kind": kind, "at": float(event.created_at), **fields(event)}
    raise NotStored(type(event).__name__)


def decode(data: Mapping[str, Any]) -> BaseEvent:
    """The event of ``data``; a kind this version does not know becomes an ``UnknownEvent``, which models never see."""
    reader = READERS.get(str(data.get("kind")))
    if reader is None:
        return UnknownEvent(type_name=str(data.get("kind")), data=dict(data))
    event = reader(data)
    event.created_at = float(data.get("at") or 0)
    return event


# --------------------------------------------------------------------------------------------------- requests


def _request(event: ModelRequest) -> dict[str, Any]:
    return {"parts": [_part(part) for part in event.parts]}


def _read_request(data: Mapping[str, Any]) -> BaseEvent:
    return ModelRequest([_read_part(part) for part in data["parts"]])


def _part(part: Input) -> dict[str, Any]:
    meta = {"meta": plain(part.metadata)} if part.metadata else {}
    if isinstance(part, TextInput):
        return {"text": clean_text(part.content), **meta}
    if isinstance(part, DataInput):
        return {"data": plain(part.data), **meta}
    if isinstance(part, UrlInput):
        return {"url": clean_text(part.url), "type": BinaryType(part.kind).value, **meta}
    if isinstance(part, FileIdInput):
        return {"file_id": clean_text(part.file_id), "filename": plain(part.filename), **meta}
    if isinstance(part, BinaryInput):
        kept = {"media_type": str(part.media_type), "type": BinaryType(part.kind).value}
        return {"bytes": base64.b64encode(part.data).decode(), **kept, "vendor": plain(part.vendor_metadata), **meta}
    raise NotStored(type(part).__name__)


def _read_part(data: Mapping[str, Any]) -> Input:
    meta = dict(data.get("meta") or {})
    if "text" in data:
        return TextInput(str(data["text"]), metadata=meta)
    if "data" in data:
        return DataInput(data["data"], metadata=meta)
    if "url" in data:
        return UrlInput(str(data["url"]), kind=BinaryType(data["type"]), metadata=meta)
    if "file_id" in data:
        return FileIdInput(str(data["file_id"]), filename=data.get("filename"), metadata=meta)
    return BinaryInput(
        base64.b64decode(data["bytes"]),
        media_type=str(data["media_type"]),
        kind=BinaryType(data["type"]),
        vendor_metadata=dict(data.get("vendor") or {}),
        metadata=meta,
    )


# -------------------------------------------------------------------------------------------------- responses


def _response(event: ModelResponse) -> dict[str, Any]:
    usage = {name: getattr(event.usage, name) for name in USAGE_FIELDS if getattr(event.usage, name) is not None}
    fields = {
        "text": None if event.message is None else clean_text(event.message.content),
        "meta": plain(event.metadata),
        "calls": [_call(call) for call in event.tool_calls.calls],
        "usage": plain(usage),
        "files": [{"bytes": base64.b64encode(f.data).decode(), "meta": plain(f.metadata)} for f in event.files],
        "model": plain(event.model),
        "provider": plain(event.provider),
        "finish_reason": plain(event.finish_reason),
        "response_id": plain(event.response_id),
    }
    return {"forced": bool(event.response_force), **{key: value for key, value in fields.items() if value}} | (
        {"text": fields["text"]} if fields["text"] is not None else {}
    )


def _read_response(data: Mapping[str, Any]) -> BaseEvent:
    text = data.get("text")
    usage = {name: value for name, value in dict(data.get("usage") or {}).items() if name in USAGE_FIELDS}
    return ModelResponse(
        None if text is None else ModelMessage(str(text), metadata=dict(data.get("meta") or {})),
        tool_calls=ToolCallsEvent([_read_call(call) for call in data.get("calls") or []]),
        usage=Usage(**usage),
        response_force=bool(data.get("forced")),
        files=[BinaryResult(base64.b64decode(f["bytes"]), dict(f["meta"] or {})) for f in data.get("files") or []],
        model=data.get("model"),
        provider=data.get("provider"),
        finish_reason=data.get("finish_reason"),
        response_id=data.get("response_id"),
    )


def _call(call: ToolCallEvent) -> dict[str, Any]:
    fields = {"id": clean_text(call.id), "name": clean_text(call.name), "arguments": clean_text(call.arguments)}
    return {**fields, "vendor": plain(call.vendor_metadata)} if call.vendor_metadata else fields


def _read_call(data: Mapping[str, Any]) -> ToolCallEvent:
    return ToolCallEvent(
        id=str(data["id"]),
        name=str(data["name"]),
        arguments=str(data["arguments"]),
        vendor_metadata=dict(data.get("vendor") or {}),
    )


# ------------------------------------------------------------------------------------------------ tool results


def _result(event: ToolResultEvent) -> dict[str, Any]:
    return {
        "call": clean_text(event.parent_id),
        "name": plain(event.name),
        "parts": [_part(part) for part in event.result.parts],
        **({"final": True} if event.result.final else {}),
        **({"meta": plain(event.result.metadata)} if event.result.metadata else {}),
    }


def _error(event: ToolErrorEvent) -> dict[str, Any]:
    return {**_result(event), "error": one_line(event.error)}


def _read_result(data: Mapping[str, Any]) -> BaseEvent:
    return ToolResultEvent(parent_id=str(data["call"]), name=data.get("name"), result=_read_tool_result(data))


def _read_error(data: Mapping[str, Any], cls: type[ToolErrorEvent] = ToolErrorEvent) -> BaseEvent:
    error = StoredError(str(data.get("error") or ""))
    return cls(parent_id=str(data["call"]), name=data.get("name"), result=_read_tool_result(data), error=error)


def _read_tool_result(data: Mapping[str, Any]) -> ToolResult:
    parts = [_read_part(part) for part in data["parts"]]
    return ToolResult(parts=parts, final=bool(data.get("final")), metadata=dict(data.get("meta") or {}))


def one_line(error: BaseException, most: int = 300) -> str:
    """Kind and message of an error in one line of at most ``most`` characters: no traceback, no paths of ours."""
    said = " ".join(clean_text(_said(error)).split())
    kind = "" if isinstance(error, StoredError) else type(error).__name__
    line = ": ".join(part for part in (kind, said) if part)
    return line if len(line) <= most else line[: most - 1] + "…"


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  an author's __str__ may raise; the tool has failed anyway
        return ""


# Order matters: a kind stands before the class it derives from.
KINDS: tuple[tuple[type[BaseEvent], str, Callable[[Any], dict[str, Any]]], ...] = (
    (ModelRequest, "request", _request),
    (ModelResponse, "response", _response),
    (ToolNotFoundEvent, "not_found", _error),
    (ToolErrorEvent, "error", _error),
    (ToolResultEvent, "result", _result),
)
READERS: Mapping[str, Callable[[Mapping[str, Any]], BaseEvent]] = {
    "request": _read_request,
    "response": _read_response,
    "not_found": lambda data: _read_error(data, ToolNotFoundEvent),
    "error": _read_error,
    "result": _read_result,
}
