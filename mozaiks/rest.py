"""REST's two seams: strict JSON in, one error shape out (PROTOCOL section 6)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from pydantic import BaseModel, ConfigDict, ValidationError
from rest_framework import exceptions
from rest_framework.parsers import BaseParser
from rest_framework.response import Response

from mozaiks.protocol.commands import describe
from mozaiks.protocol.errors import Internal, Refused, SchemaInvalid, Unavailable
from mozaiks.protocol.frames import check_strings, decode

log = logging.getLogger("mozaiks.rest")
B = TypeVar("B", bound="Body")


class StrictJSONParser(BaseParser):
    """A body is one JSON object by the rules of a frame (depth, size, no NaN, no NUL)."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        raw = stream.read()
        if not raw:
            return {}
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise SchemaInvalid("The body is not valid UTF-8.") from None
        body = decode(text)
        check_strings(body)
        return body


class Body(BaseModel):
    """A request's body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_body(schema: type[B], data: Any) -> B:
    """``data`` as its schema, or ``SchemaInvalid`` that names the field."""
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        raise SchemaInvalid(describe(error)) from None


def refuse(error: Exception, context: Mapping[str, Any]) -> Response:
    """Any exception of a view as ``{"error": {"code", "message"}}`` with a fitting status; the rest is ``INTERNAL``."""
    if isinstance(error, Refused):
        return _answer(error.status, error.code, error.message, error.details)
    if isinstance(error, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)):
        response = _answer(401, "FORBIDDEN", str(error.detail))
        response["WWW-Authenticate"] = "Bearer"
        return response
    if isinstance(error, (exceptions.PermissionDenied, PermissionDenied)):
        return _answer(403, "FORBIDDEN", "You may not do this.")
    if isinstance(error, (exceptions.NotFound, Http404)):
        return _answer(404, "NOT_FOUND", "There is nothing here.")
    if isinstance(error, exceptions.Throttled):
        seconds = int(getattr(error, "wait", None) or 60)
        response = _answer(429, "RATE_LIMITED", f"Too many tries; try again in {seconds} seconds.")
        response["Retry-After"] = str(seconds)
        return response
    if isinstance(error, exceptions.APIException):
        return _answer(error.status_code, "SCHEMA_VALIDATION_FAILED", str(error.detail))
    if isinstance(error, (OperationalError, InterfaceError)):
        log.warning("database unavailable: %s", error)
        return _answer(503, Unavailable.code, "The database is not available just now; try again.")
    reference = uuid.uuid4().hex[:12]
    log.error("request failed, reference %s", reference, exc_info=error)
    return _answer(500, Internal.code, f"Something went wrong on the server (reference {reference}).")


def _answer(status: int, code: str, message: str, details: Mapping[str, Any] | None = None) -> Response:
    return Response({"error": {"code": code, "message": message, **(details or {})}}, status=status)
