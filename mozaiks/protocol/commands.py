"""What every command has: a type, an id, a schema that refuses unknown fields. They live beside their handlers."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from .digest import content_hash
from .errors import SchemaInvalid


class Cursor(BaseModel):
    """How far a client is: the last ``seq`` it has, in which epoch (the current one where none is named)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seq: StrictInt = Field(ge=-(2**53), le=2**53)
    epoch: UUID | None = None


class Effect(BaseModel):
    """What a command does to the socket that sent it, besides its result; repeated for a duplicate."""

    model_config = ConfigDict(frozen=True)


class Follow(Effect):
    """Follow the chat and answer ``cursor`` (PROTOCOL section 5); ``meta`` sends ``chat_meta`` first."""

    chat_id: UUID
    cursor: Cursor | None = None
    meta: bool = True
    only_new: bool = False
    """Do nothing where the socket follows the chat already."""


class Unfollow(Effect):
    """Stop following the chat."""

    chat_id: UUID


class Command(BaseModel):
    """One request from a client, counted once by its id (law 4)."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)

    type: str
    id: str = Field(min_length=1, max_length=64)

    claimed: ClassVar[bool] = True
    """False for reads: they have no effect in the database, so repeating them needs no memory."""

    def body_hash(self) -> str:
        """The hash of everything but the id, to tell a repeat from a reuse."""
        return content_hash(self.model_dump(mode="json", exclude={"id"}, exclude_unset=True))

    def effects(self, data: dict[str, Any]) -> list[Effect]:
        """What the socket does after the result ``data``; a pure function, so a repeat does the same."""
        return []


class Reply(BaseModel):
    """The ``data`` of a result."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def validate(schema: type[Command], frame: dict[str, Any]) -> Command:
    """``frame`` as its command, or ``SchemaInvalid`` that names the field."""
    try:
        return schema.model_validate(frame)
    except ValidationError as error:
        raise SchemaInvalid(describe(error)) from None


def describe(error: ValidationError) -> str:
    """The first mistake as a sentence that names the field."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "The body"
    if first["type"] == "extra_forbidden":
        return f"{field}: this field is not known."
    if first["type"] == "missing":
        return f"{field}: this field is required."
    return f"{field}: {first['msg'].rstrip('.')}."
