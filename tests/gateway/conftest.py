"""What the gateway's tests have in common: their own definitions, a slow stream, a real model server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from django.conf import settings as django_settings

from mozaiks.accounts.principal import Principal
from mozaiks.gateway import executor
from tests.harness.client import Client
from tests.model_server import ModelServer
from workflows_app import library

Connect = Callable[..., Awaitable[Client]]
DEFINITIONS = Path(__file__).parent / "definitions"


@pytest.fixture(autouse=True)
def _gateway_definitions(_test_definitions: None, settings: Any) -> None:
    """The workflows of tests/gateway/definitions too; and passwords that cost nothing to hash."""
    folders = django_settings.CONFIG.workflows_dirs
    settings.CONFIG = replace(django_settings.CONFIG, workflows_dirs=(*folders, DEFINITIONS))
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    library.reload()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The offline model streams about forty words a second; called, it answers its next calls at once."""
    monkeypatch.setenv("MOZAIKS_OFFLINE_TOKENS_PER_SECOND", "40")
    return lambda: monkeypatch.setenv("MOZAIKS_OFFLINE_TOKENS_PER_SECOND", "0")


@pytest.fixture
def models(settings: Any) -> Iterator[ModelServer]:
    """A real model server that every workflow and Ask use instead of the offline model."""
    with ModelServer() as server:
        settings.MOZAIKS_MODELS = server.models()
        yield server


@pytest_asyncio.fixture
async def alice(connect: Connect) -> AsyncIterator[Client]:
    """alice's socket, after hello."""
    yield await connect("alice")


@pytest.fixture
def limits(settings: Any) -> Callable[..., None]:
    """Change limits: ``limits(queued_messages=1)``."""

    def change(**values: int) -> None:
        settings.MOZAIKS_LIMITS = replace(settings.MOZAIKS_LIMITS, **values)

    return change


async def database(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a service or a selector as the server does: on a writer thread."""
    return await executor.write(call, *args, **kwargs)


async def start(client: Client, name: str = "Helper", message: str | None = "Hello there", **fields: Any) -> str:
    """Start a workflow and read until it rests, waits or is paused; its chat."""
    if message is not None:
        fields["message"] = message
    started = await client.ask("chat.start_workflow", workflow_name=name, **fields)
    if started["run_id"] is not None:
        await client.settle(started["chat_id"])
    return str(started["chat_id"])


def open_request(client: Client, chat_id: str) -> dict[str, Any]:
    """The newest input request of a chat, as the client has it."""
    return client.chats[chat_id].of("chat.input_request")[-1]


def someone(people: dict[str, Principal], client: Client) -> Principal:
    """Whose socket that is."""
    return people[client.state["user_id"]]
