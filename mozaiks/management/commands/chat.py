"""``manage.py chat``: a workflow from the terminal, over the same WebSocket as the page."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import websockets
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from websockets.asyncio.client import ClientConnection

from mozaiks.accounts import services
from mozaiks.protocol.errors import Refused, SchemaInvalid


class _WrongShape(CommandError):
    """The server did not take the shape of what was typed."""


class Command(BaseCommand):
    help = "Run a workflow in the terminal: streams what it says, asks what it asks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--app", default="demo")
        parser.add_argument("--user", default="alice")
        parser.add_argument("--url", help="a running server; without it one is looked for on port 8000, else started")
        parser.add_argument("workflow")
        parser.add_argument("message", nargs="?")

    def handle(
        self, *, app: str, user: str, url: str | None, workflow: str, message: str | None, **options: Any
    ) -> str | None:
        try:
            principal = services.find_principal(user=services.find_user(user), app_slug=app)
        except Refused as refusal:
            raise CommandError(f"{refusal.message} (app {app}, user {user})") from None
        with self._server(url) as address:
            ticket = services.issue_ticket(principal=principal)
            try:
                return asyncio.run(self._talk(f"ws{address[4:]}/ws/{app}?ticket={ticket}", workflow, message))
            except (OSError, websockets.WebSocketException) as error:
                raise CommandError(f"The connection to {address} broke: {error}. The run goes on there.") from None

    @contextmanager
    def _server(self, url: str | None) -> Iterator[str]:
        """The address of a running server; one of our own, ended afterwards, where none runs."""
        address = (url or "http://127.0.0.1:8000").rstrip("/")
        if _answers(address):
            yield address
            return
        if url is not None:
            raise CommandError(f"No server answers at {address}.")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "serve", "--port", str(port)],
            stdout=subprocess.DEVNULL,
        )
        try:
            self._wait(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)

    def _wait(self, address: str, process: subprocess.Popen[bytes]) -> None:
        self.stderr.write("Starting a server for this chat ...")
        for _ in range(600):
            if process.poll() is not None:
                raise CommandError("The server did not start; try manage.py serve to see why.")
            if _answers(address):
                return
            time.sleep(0.1)
        raise CommandError("The server did not answer within 60 s.")

    async def _talk(self, address: str, workflow: str, message: str | None) -> str | None:
        async with websockets.connect(address, proxy=None, max_size=None) as connection:
            self.connection = connection
            await self._command("session.hello", protocol=1, cursors={})
            fields = {"message": message} if message else {}
            started = await self._command("chat.start_workflow", workflow_name=workflow, activate=False, **fields)
            if started["run_id"] is None:
                text = await asyncio.to_thread(input, "You: ")
                await self._command("user.input.submit", chat_id=started["chat_id"], text=text)
            return await self._follow(started["chat_id"])

    async def _command(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Send a command; its data, or the refusal as the command's error."""
        command_id = uuid.uuid4().hex
        await self.connection.send(json.dumps({"type": type_, "id": command_id, **fields}))
        while True:
            frame = json.loads(await self.connection.recv())
            if frame["type"] == "result" and frame["re"] == command_id:
                if not frame["ok"]:
                    wrong = frame["error"]["code"] == SchemaInvalid.code
                    raise (_WrongShape if wrong else CommandError)(frame["error"]["message"])
                data: dict[str, Any] = frame["data"]
                return data
            self._early.append(frame)

    async def _follow(self, chat_id: str) -> str | None:
        """Show the chat until its run ends."""
        held: dict[str, int] = {}
        while True:
            frame = self._early.pop(0) if self._early else json.loads(await self.connection.recv())
            if frame.get("chat_id") != chat_id:
                continue
            data = frame.get("data", {})
            match frame["type"]:
                case "chat.delta":
                    self._delta(frame, held)
                case "chat.text" if data["visible"] and data["role"] == "assistant":
                    shown = held.pop(data["message_id"], 0)
                    self.stdout.write(data["content"] if not shown else "")
                case "chat.tool_call":
                    self.stdout.write(f"[{data['tool_name']}]")
                case "chat.artifact":
                    self.stdout.write(f"[{data['artifact_type']}, version {data['version']}]")
                case "chat.input_request":
                    await self._answer(data)
                case "chat.error":
                    self.stderr.write(data["message"])
                case "chat.paused":
                    return f"The run is paused ({data['reason']}). Chat {chat_id}; it goes on in the page."
                case "chat.run_complete":
                    tokens = data["usage"]["total_tokens"]
                    return f"The run is {data['status']}; {tokens} tokens. Chat {chat_id}."

    def _delta(self, frame: dict[str, Any], held: dict[str, int]) -> None:
        if frame["message_id"] not in held:
            self.stdout.write(f"\n{frame['agent']}: ", ending="")
        held[frame["message_id"]] = frame["offset"] + len(frame["text"])
        self.stdout.write(frame["text"], ending="")
        self.stdout.flush()

    async def _answer(self, request: dict[str, Any]) -> None:
        """Ask the person until the answer has the right shape."""
        while True:
            response = await asyncio.to_thread(_ask, request)
            try:
                await self._command("ui_tool_response", input_request_id=request["input_request_id"], response=response)
                return
            except _WrongShape as error:
                self.stderr.write(str(error))

    connection: ClientConnection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._early: list[dict[str, Any]] = []


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=2) as answer:  # noqa: S310  (an http address)
            return bool(answer.status == 200 and json.load(answer).get("status") == "ok")
    except (OSError, ValueError):
        return False


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    """The person's answer to a question, an approval or a form."""
    print(f"\n{request['prompt']}")
    if request["kind"] == "question":
        return {"text": input("> ")}
    if request["kind"] == "approval":
        approved = input("Approve? [y/n] ").strip().lower() in ("y", "yes")
        comment = "" if approved else input("What should change? ").strip()
        return {"approved": approved, **({"comment": comment} if comment else {})}
    answer: dict[str, Any] = {}
    for name, field in (request["schema"] or {}).get("properties", {}).items():
        said = input(f"{field.get('title', name)}: ").strip()
        if said:
            answer[name] = _value(said, field)
    return answer


def _value(said: str, field: dict[str, Any]) -> Any:
    """What was typed, as the form's field wants it; the server checks it."""
    if field.get("type") in ("integer", "number", "boolean", "array", "object"):
        try:
            return json.loads(said)
        except ValueError:
            return said
    return said
