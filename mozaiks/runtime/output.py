"""The shape a turn's answer must have: asked of the model, checked when it came.

Rule: an answer is checked before it is stored as the turn's final message, and only a checked one is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jsonschema
from ag2.response import ResponseProto, ResponseSchema
from ag2.response.schema import RawSchema
from pydantic import BaseModel, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from mozaiks.runtime.plain import plain

FENCED = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
MOST_PROBLEMS = 4


@dataclass(frozen=True)
class Checked:
    """The answer's value as plain JSON, or why it has none: a phrase for the model and the user."""

    value: Any = None
    problem: str | None = None


class Output(Protocol):
    """A shape: what AG2 is told of it, and the check."""

    @property
    def asked(self) -> ResponseProto[Any] | None: ...

    async def check(self, text: str) -> Checked: ...


def output_of(wanted: type[BaseModel] | Mapping[str, Any] | None, own: ResponseProto[Any] | None) -> Output:
    """The shape a turn asks for: ``wanted``, else the agent's ``own`` response schema, else free text."""
    if isinstance(wanted, Mapping):
        return _SchemaOutput(dict(wanted))
    if wanted is not None:
        return _ProtoOutput(ResponseSchema(wanted))
    if isinstance(own, RawSchema) and own.json_schema is not None:
        return _SchemaOutput(own.json_schema)
    return _ProtoOutput(own) if own is not None else _TextOutput()


class _TextOutput:
    """Free text: any answer fits."""

    asked = None

    async def check(self, text: str) -> Checked:
        return Checked()


@dataclass(frozen=True)
class _ProtoOutput:
    """A pydantic class, or whatever AG2 accepts as a response schema."""

    asked: ResponseProto[Any]

    async def check(self, text: str) -> Checked:
        problem = "it is empty"
        for candidate in _candidates(text):
            try:
                return Checked(plain(await self.asked.validate(candidate, None)))  # type: ignore[arg-type]
            except ValidationError as error:
                problem = _told(error)
            except Exception as error:  # noqa: BLE001  an author's validator may raise anything: the answer does not fit
                problem = " ".join(str(error).split())[:300] or type(error).__name__
        return Checked(problem=problem)


class _SchemaOutput:
    """A JSON schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", str(schema.get("title") or "answer"))[:64]
        self.asked: ResponseProto[Any] = ResponseSchema.from_schema(schema, name=name)
        self._validator = jsonschema.validators.validator_for(schema)(
            schema, registry=Registry()
        )  # reads nothing from elsewhere

    async def check(self, text: str) -> Checked:
        problem = "it is empty"
        for candidate in _candidates(text):
            try:
                value = json.loads(candidate, parse_constant=_no_constant)
            except (ValueError, RecursionError) as error:
                problem = f"it is not JSON: {error}"
                continue
            try:
                found = list(self._validator.iter_errors(value))
            except Unresolvable as error:
                return Checked(problem=f"its schema names what is not there: {error}")
            if not found:
                return Checked(plain(value))
            problem = "; ".join(f"{error.json_path}: {error.message[:200]}" for error in found[:MOST_PROBLEMS])
        return Checked(problem=problem)


def _candidates(text: str) -> Iterator[str]:
    """The answer, and the JSON inside it where the model wrote around it; the last problem told is the first's."""
    stripped = text.strip()
    if not stripped:
        return
    inner = [match.group(1).strip() for match in FENCED.finditer(stripped)]
    start, end = stripped.find("{"), stripped.rfind("}")
    if 0 <= start < end and (start, end) != (0, len(stripped) - 1):
        inner.append(stripped[start : end + 1])
    yield from inner
    yield stripped


def _told(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)[:MOST_PROBLEMS]
    return "; ".join(": ".join(filter(None, [".".join(map(str, e["loc"])), e["msg"]])) for e in found)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
