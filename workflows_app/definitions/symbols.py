"""What a definition's references may name in Python: tools, output schemas, functions and whole agents.

Rule: the one module of the format that knows AG2's classes; a symbol of the wrong kind is a `SymbolError` sentence.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import ag2
from ag2.tools.final.toolkit import Toolkit
from ag2.tools.tool import Tool
from pydantic import BaseModel
from pydantic.errors import PydanticUserError

from .code import Code, SymbolError


class Symbols:
    """The Python symbols of one folder, checked for their kind."""

    def __init__(self, folder: Path) -> None:
        self.code = Code(folder)

    def tools(self, reference: str) -> list[Tool]:
        """The AG2 tools a reference gives: one, or the members of a plain `Toolkit`."""
        return as_tools(self.code.symbol(reference), f"`{reference}`")

    def schema(self, reference: str) -> type[BaseModel]:
        """A Pydantic model class."""
        found = self.code.symbol(reference)
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
        raise SymbolError(f"`{reference}` is {_kind(found)}, not a Pydantic model (a class from `BaseModel`).")

    def json_schema(self, reference: str) -> dict[str, Any]:
        """The JSON schema of a Pydantic model class."""
        try:
            return self.schema(reference).model_json_schema()
        except PydanticUserError as error:
            raise SymbolError(f"`{reference}` has no JSON schema: {error.message}.") from error

    def function(self, reference: str) -> Callable[..., Any]:
        found = self.code.symbol(reference)
        if callable(found) and not isinstance(found, type | Tool):
            return cast(Callable[..., Any], found)
        raise SymbolError(f"`{reference}` is {_kind(found)}, not a function.")

    def agent(self, reference: str) -> ag2.Agent[Any]:
        found = self.code.symbol(reference)
        if isinstance(found, ag2.Agent):
            return found
        raise SymbolError(f"`{reference}` is {_kind(found)}, not an `ag2.Agent`.")

    def responders(self) -> dict[str, Callable[[Any], Any]]:
        """The functions ``offline.py`` defines, by name; none where there is no such file."""
        if not self.code.has("offline"):
            return {}
        module = self.code.module("offline")
        return {
            name: value
            for name, value in vars(module).items()
            if callable(value) and not isinstance(value, type) and getattr(value, "__module__", "") == module.__name__
        }


def as_tools(found: Any, name: str) -> list[Tool]:
    """AG2 tools from a tool, a plain toolkit or a function; anything else is a `SymbolError`."""
    if type(found) is Toolkit:
        return list(found.tools)
    if isinstance(found, Tool):
        return [found]
    if isinstance(found, ag2.Agent):
        raise SymbolError(f"{name} is an agent, not a tool; use what its `as_tool()` gives.")
    if not callable(found) or isinstance(found, type):
        raise SymbolError(f"{name} is {_kind(found)}, not a tool (a function, `@tool`, or a toolkit).")
    try:
        return [ag2.tool(found)]
    except Exception as error:
        raise SymbolError(f"{name} cannot be a tool: {type(error).__name__}: {error}.") from error


def takes(function: Callable[..., Any], count: int) -> bool:
    """Whether ``function`` can be called with ``count`` arguments by place; true where it cannot be told."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # written in C, without a signature
        return True
    return True


def output_of(agent: ag2.Agent[Any]) -> type[BaseModel] | None:
    """The Pydantic model an agent's ``response_schema`` was made from, where it is one."""
    found = getattr(getattr(agent, "_response_schema", None), "types", None)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _kind(found: Any) -> str:
    return f"the class `{found.__name__}`" if isinstance(found, type) else f"of type `{type(found).__name__}`"
