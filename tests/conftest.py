"""What tests have in common: two tenants with their people, the test definitions, and a socket inside the process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from channels.testing import WebsocketCommunicator
from django.conf import settings as django_settings
from django.core.cache import cache

from mozaiks.accounts import services as accounts
from mozaiks.accounts.models import App, Membership, User
from mozaiks.accounts.principal import Principal
from mozaiks.gateway import executor
from sessions_app import services
from sessions_app.models import ChatSession
from tests.harness.client import Client
from tests.harness.live import LiveServer
from workflows_app import library

DEFINITIONS = Path(__file__).parent / "definitions"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _test_definitions(settings: Any) -> Iterator[None]:
    """The workflows of tests/definitions beside the shipped ones; passwords hashed fast, as tests make many people."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if DEFINITIONS not in django_settings.CONFIG.workflows_dirs:
        settings.CONFIG = replace(django_settings.CONFIG, workflows_dirs=(DEFINITIONS,))
        library.reload()
    yield
    cache.clear()


@pytest.fixture
def people(db: None) -> dict[str, Principal]:
    """alice (owner, staff) and bob (member) and vera (viewer) in the app demo; carol in the app other."""
    demo, other = accounts.make_app(slug="demo", name="Demo"), accounts.make_app(slug="other", name="Other")
    found = {}
    for name, app, role in (
        ("alice", demo, Membership.Role.OWNER),
        ("bob", demo, Membership.Role.MEMBER),
        ("vera", demo, Membership.Role.VIEWER),
        ("carol", other, Membership.Role.OWNER),
    ):
        found[name] = _member(app, name, role)
    return found


def _member(app: App, name: str, role: str) -> Principal:
    user, _ = accounts.make_member(app=app, username=name, role=role)
    user.set_password(PASSWORD)
    user.is_staff = user.is_superuser = name == "alice"
    user.save()
    return accounts.find_principal(user=user, app_slug=app.slug)


@pytest.fixture
def principal(people: dict[str, Principal]) -> Principal:
    """alice in demo."""
    return people["alice"]


@pytest.fixture
def chat(principal: Principal) -> ChatSession:
    """An empty chat of alice."""
    return services.create_chat(principal=principal, kind=ChatSession.Kind.WORKFLOW, title="A chat")


@pytest.fixture
def token_of(people: dict[str, Principal]) -> Callable[[str], str]:
    """A bearer token of somebody."""

    def token(name: str) -> str:
        return accounts.issue_token(user=User.objects.get(username=name), app_slug=people[name].app_slug)

    return token


class _InProcess:
    def __init__(self, communicator: WebsocketCommunicator) -> None:
        self.communicator = communicator
        self.closed: int | None = None

    async def send(self, text: str) -> None:
        await self.communicator.send_to(text_data=text)

    async def recv(self) -> str:
        message = await self.communicator.receive_output(timeout=60)
        if message["type"] == "websocket.close":
            self.closed = message["code"]
            raise ConnectionError(f"closed with {message['code']}")
        return str(message["text"])


@pytest_asyncio.fixture
async def application(transactional_db: None) -> AsyncIterator[Any]:
    """The ASGI application with its engine, in this test's loop."""
    from mozaiks.asgi import Application

    made = Application()
    yield made
    await made.stop()
    await asyncio.to_thread(executor.close)


@pytest_asyncio.fixture
async def connect(
    application: Any, people: dict[str, Principal], token_of: Callable[[str], str]
) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """Open a socket inside the process: ``client = await connect("alice")``; hello is said unless ``hello=False``."""
    opened: list[WebsocketCommunicator] = []

    async def open_socket(
        name: str = "alice", *, app: str = "demo", hello: bool = True, path: str | None = None, **fields: Any
    ) -> Client:
        token = await asyncio.to_thread(_in_thread, token_of, name)
        headers = [(b"authorization", f"Bearer {token}".encode())]
        communicator = WebsocketCommunicator(application, path or f"/ws/{app}", headers=headers)
        opened.append(communicator)
        accepted, _ = await communicator.connect(timeout=10)
        assert accepted
        client = Client(_InProcess(communicator))
        if hello:
            await client.hello(**fields)
        return client

    yield open_socket
    for communicator in opened:
        await communicator.disconnect()


def _in_thread(call: Callable[[str], str], name: str) -> str:
    from django.db import connections

    try:
        return call(name)
    finally:
        connections.close_all()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    """A real server in its own process, not yet started."""
    server = LiveServer(tmp_path)
    yield server
    server.close()


def frame(**fields: Any) -> str:
    """A frame's text."""
    return json.dumps(fields)
