"""What the tests of the model layer share: a server to call and a witness of the tries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from mozaiks.llm import ChatAnswer, ChatRequest, ModelCallError, ModelEntry, ModelList, stream_chat
from tests.model_server import ModelServer


@dataclass
class Tries:
    """A CallObserver that remembers; it refuses when told to."""

    opened: list[str] = field(default_factory=list)
    errors: list[ModelCallError] = field(default_factory=list)
    refuse: Exception | None = None

    async def opening(self, entry: ModelEntry) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.opened.append(entry.name)

    async def failed(self, entry: ModelEntry, error: ModelCallError) -> None:
        assert error.entry == entry
        self.errors.append(error)


@dataclass
class Chat:
    """Calls a model the way callers do, and keeps what was streamed."""

    models: ModelList
    deltas: list[str] = field(default_factory=list)
    tries: Tries = field(default_factory=Tries)

    async def ask(self, text: str = "Plan a bicycle shop in Lyon", **fields: Any) -> ChatAnswer:
        messages = fields.pop("messages", [{"role": "user", "content": text}])
        request = ChatRequest(messages=messages, **fields)
        return await stream_chat(request, models=self.models, on_delta=self.deltas.append, observer=self.tries)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running
