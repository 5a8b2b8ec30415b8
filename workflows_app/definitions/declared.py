"""The declarative part of a definition: plain JSON, the same for both forms; what a chat freezes at its start.

Rule: it holds everything a run needs but Python itself: prompts as text, form schemas as JSON schema, and
``module:name`` references for tools, output schemas and functions. Lists keep the author's order.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal, TypedDict


class DeclaredTool(TypedDict):
    use: str
    approve: bool
    idempotent: bool


class DeclaredAgent(TypedDict):
    name: str
    label: str
    prompt: str
    model: str | None
    tools: list[DeclaredTool]
    output: str | None
    publish: str | None
    compile: str | None
    use: str | None


class DeclaredAsk(TypedDict):
    name: str
    kind: str
    prompt: str
    schema: dict[str, Any] | None
    options: list[str] | None
    expires: int | None
    on_expiry: str
    default: Any


class DeclaredAction(TypedDict):
    artifact_type: str
    name: str
    label: str
    use: str | None
    launch: str | None
    schema: dict[str, Any] | None


# Functional syntax, because `from` is a keyword.
DeclaredEdge = TypedDict("DeclaredEdge", {"from": str, "to": str, "when": str | None, "add": dict[str, int | float]})


class Declared(TypedDict):
    form: Literal["yaml", "python"]
    workflow: str
    description: str
    keywords: list[str]
    requires: list[dict[str, str]]
    reads: list[str]
    variables: dict[str, Any]
    limits: dict[str, int | float]
    seed: str | None
    starts_by: str
    on_busy: str
    model: str | None
    agents: list[DeclaredAgent]
    asks: list[DeclaredAsk]
    route: list[DeclaredEdge]
    artifacts: dict[str, str | None]
    views: dict[str, Any]
    actions: list[DeclaredAction]
    prompts_to_try: list[str]
    expected_minutes: int | float | None


def empty_declared() -> Declared:
    """A declarative part that says nothing, with every default."""
    return Declared(
        form="yaml",
        workflow="",
        description="",
        keywords=[],
        requires=[],
        reads=[],
        variables={},
        limits={},
        seed=None,
        starts_by="user",
        on_busy="queue",
        model=None,
        agents=[],
        asks=[],
        route=[],
        artifacts={},
        views={},
        actions=[],
        prompts_to_try=[],
        expected_minutes=None,
    )


def definition_hash(declared: Mapping[str, Any]) -> str:
    """sha256 (hex) of the canonical JSON: sorted keys, no spaces."""
    text = json.dumps(declared, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def label_of(name: str) -> str:
    """``market_reviewer`` as people read it: Market reviewer."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
