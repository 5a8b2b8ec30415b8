"""How a REST operation is told to OpenAPI: one decorator for path, body, answer and refusals, so none is left out."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from pydantic import BaseModel

from .paging import Query

F = TypeVar("F", bound=Callable[..., Any])

PATH_PARAMETERS: dict[str, tuple[str, str | None]] = {
    "app_id": ("The app's slug.", None),
    "user_id": ("The signed-in user's name; staff of the app may name another member.", None),
    "workflow_name": ("The workflow's name.", None),
    "chat_id": ("The chat.", "uuid"),
    "artifact_id": ("The artifact.", "uuid"),
}
REFUSALS = {
    400: "A field or parameter is wrong; the message names it.",
    401: "Not signed in.",
    402: "The user's tokens of today are used up.",
    403: "The user may read this but not do it.",
    404: "Missing, or somebody else's: the two look the same.",
    409: "It does not fit the present state; the message says why.",
    413: "The body is too large.",
    429: "Too many tries or unfinished runs.",
    500: "Something went wrong on the server; the message holds a reference.",
    503: "Something that the server needs is down; try again.",
}


class Problem(BaseModel):
    """Why a request was refused."""

    code: str
    message: str


class Refusal(BaseModel):
    """The body of every refusal."""

    error: Problem


def operation(
    name: str,
    answer: type[BaseModel] | Any | None,
    *,
    status: int = 200,
    body: type[BaseModel] | None = None,
    query: type[Query] | None = None,
    refusals: tuple[int, ...] = (404,),
    also: dict[int | tuple[int, str], Any] | None = None,
) -> Callable[[F], F]:
    """Describe a view's method; its docstring's first line is the summary.

    ``answer`` is the body with ``status`` (None for none), ``also`` further answers, ``refusals`` the statuses of
    ``{"error": …}`` besides 401 and 503.
    """

    def describe(view: F) -> F:
        names = [name for name in inspect.signature(view).parameters if name not in ("self", "request")]
        said = inspect.getdoc(answer) if answer is not None else "Done."
        responses: dict[Any, Any] = {status: OpenApiResponse(answer, description=(said or "").split("\n")[0])}
        responses |= also or {}
        for code in sorted({401, 503, *refusals, *((400,) if body or query else ())}):
            responses[code] = OpenApiResponse(Refusal, description=REFUSALS[code])
        text = inspect.getdoc(view) or ""
        return extend_schema(
            operation_id=name,
            summary=text.split("\n")[0].rstrip("."),
            description=text,
            parameters=[*map(_path_parameter, names), *(_query_parameters(query) if query else [])],
            request=body,
            responses=responses,
        )(view)

    return describe


def _path_parameter(name: str) -> OpenApiParameter:
    text, form = PATH_PARAMETERS[name]
    schema = {"type": "string", "format": form} if form else {"type": "string"}
    return OpenApiParameter(name, schema, OpenApiParameter.PATH, required=True, description=text)


def _query_parameters(query: type[Query]) -> list[OpenApiParameter]:
    schemas = query.model_json_schema()["properties"]
    return [
        OpenApiParameter(
            name,
            {key: value for key, value in schema.items() if key not in ("title", "description")},
            OpenApiParameter.QUERY,
            required=False,
            description=schema.get("description", ""),
        )
        for name, schema in schemas.items()
    ]
