"""What the gateway's tests have in common: their own definitions, a slow stream, a real model server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from channels.testing import WebsocketCommunicator
from django.conf import settings as django_settings

from mozaiks.accounts.principal import Principal
from tests.harness.client import Client
from tests.model_server import ModelServer
from workflows_app import library

from .scene import Connect, Door, Open, World

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


@pytest_asyncio.fixture
async def world(connect: Connect) -> AsyncIterator[World]:
    yield World(await connect("alice"), connect)


@pytest_asyncio.fixture
async def door(application: Any, people: dict[str, Principal]) -> AsyncIterator[Open]:
    """Knock with any headers, path and subprotocols."""
    opened: list[WebsocketCommunicator] = []

    async def knock(path: str = "/ws/demo", *, subprotocols: list[str] | None = None, **headers: str) -> Door:
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        communicator = WebsocketCommunicator(application, path, headers=raw, subprotocols=subprotocols)
        opened.append(communicator)
        accepted, detail = await communicator.connect(timeout=10)
        return Door(communicator, accepted, detail)

    yield knock
    for communicator in opened:
        await communicator.disconnect()
