"""Query strings and opaque cursors of REST lists: checked like everything that comes from outside."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from rest_framework.request import Request

from mozaiks.protocol.commands import describe
from mozaiks.protocol.errors import SchemaInvalid

Q = TypeVar("Q", bound="Query")


class Query(BaseModel):
    """A request's query string; parameters that are not known are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def read_query(schema: type[Q], request: Request) -> Q:
    """The query string as its schema, or ``SchemaInvalid`` that names the parameter."""
    try:
        return schema.model_validate(request.query_params.dict())
    except ValidationError as error:
        raise SchemaInvalid(describe(error)) from None


def encode_cursor(order: str, *place: str | int) -> str:
    """Where a page of the list ``order`` ended, as one opaque word."""
    text = json.dumps([order, *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, order: str, *kinds: type) -> list[str | int]:
    """What ``encode_cursor`` was given, or ``SchemaInvalid`` for anything that was not made for this list."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        raise _refusal() from None
    if not isinstance(found, list) or found[:1] != [order] or [type(part) for part in found[1:]] != list(kinds):
        raise _refusal()
    return list(found[1:])


def _refusal() -> SchemaInvalid:
    return SchemaInvalid("cursor: this is no cursor of this list; leave it out to start again.")
