"""Is this an answer to that question? Each kind of input request has one shape (PROTOCOL, ``ui_tool_response``)."""

from __future__ import annotations

from typing import Any

import jsonschema

from mozaiks.protocol.errors import SchemaInvalid

from .models import InputRequest

APPROVAL = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "comment": {"type": "string", "maxLength": 10_000}},
    "required": ["approved"],
    "additionalProperties": False,
}
QUESTION = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 50_000}},
    "required": ["text"],
    "additionalProperties": False,
}


def check(request: InputRequest, response: Any) -> dict[str, Any]:
    """The response, checked against the request's shape, or ``SchemaInvalid`` that names the field."""
    schema = {"approval": APPROVAL, "question": QUESTION}.get(request.kind) or request.schema or {"type": "object"}
    validator = jsonschema.validators.validator_for(schema)(schema)
    error = jsonschema.exceptions.best_match(validator.iter_errors(response))
    if error is not None:
        field = ".".join(["response", *(str(part) for part in error.absolute_path)])
        raise SchemaInvalid(f"{field}: {error.message[:300]}.")
    if not isinstance(response, dict):
        raise SchemaInvalid("response: this must be an object.")
    if request.options and request.kind == "question" and response["text"] not in request.options:
        raise SchemaInvalid(f"response.text: choose one of {', '.join(map(str, request.options))}.")
    return response
