"""Human points for the plain Python form: where a run waits, at no cost, until a person answers.

Rule: a human point is data. Its name is that of the variable it is assigned to in ``workflow.py``, or ``name``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

OnExpiry = Literal["fail", "default", "cancel"]


@dataclass(frozen=True, eq=False)
class HumanPoint:
    """A question, approval or form; made by `question`, `approval` and `form`, returned by a route."""

    kind: Literal["question", "approval", "form"]
    prompt: str
    schema: type[BaseModel] | Mapping[str, Any] | None
    options: Sequence[str] | None
    expires: int | str | None
    on_expiry: OnExpiry | None
    default: Any
    name: str | None


def question(
    prompt: str,
    *,
    options: Sequence[str] | None = None,
    expires: int | str | None = None,
    on_expiry: OnExpiry | None = None,
    default: str | None = None,
    name: str | None = None,
) -> HumanPoint:
    """Ask for a text; the answer is ``{"text"}``. ``expires``: seconds, or text like ``"7d"``."""
    return HumanPoint("question", prompt, None, options, expires, on_expiry, default, name)


def approval(
    prompt: str,
    *,
    expires: int | str | None = None,
    on_expiry: OnExpiry | None = None,
    default: bool | None = None,
    name: str | None = None,
) -> HumanPoint:
    """Ask for a yes or no; the answer is ``{"approved", "comment"?}``."""
    return HumanPoint("approval", prompt, None, None, expires, on_expiry, default, name)


def form(
    prompt: str,
    schema: type[BaseModel] | Mapping[str, Any],
    *,
    expires: int | str | None = None,
    on_expiry: OnExpiry | None = None,
    default: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> HumanPoint:
    """Ask for the fields of ``schema``, a Pydantic model or a JSON schema of an object; the answer fits it."""
    return HumanPoint("form", prompt, schema, None, expires, on_expiry, default, name)
