"""``manage.py serve``: uvicorn with the embedded engine in its event loop (docs/decisions)."""

from __future__ import annotations

import asyncio
import socket
import warnings
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from mozaiks.accounts import services
from mozaiks.accounts.models import Ticket
from mozaiks.llm import ModelUnavailable, local
from mozaiks.protocol.errors import Refused


class Server(uvicorn.Server):
    """uvicorn, but sockets are drained before it closes them: it would close them before lifespan's shutdown."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        from mozaiks.asgi import application

        await application.stop()
        await super().shutdown(sockets)


class Command(BaseCommand):
    help = "Serve the pages, REST and WebSockets, with the engine that carries runs out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--engine", choices=["embedded", "procrastinate"], default=settings.CONFIG.engine)

    def handle(self, *, host: str, port: int, engine: str, **options: Any) -> None:
        if engine != "embedded":
            raise CommandError("--engine procrastinate is not part of this release; use --engine embedded.")
        # WhiteNoise hands small static files over in one piece; under ASGI Django would like them asynchronous.
        warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
        self._check_database()
        self._check_port(host, port)
        try:
            settings.MOZAIKS_MODELS = local.start(settings.MOZAIKS_MODELS, settings.CONFIG.data_dir, self.stderr.write)
        except ModelUnavailable as error:
            raise CommandError(error.message) from None
        self._greet(host, port)
        config = uvicorn.Config(
            "mozaiks.asgi:application",
            host=host,
            port=port,
            ws="websockets-sansio",
            ws_max_size=1024 * 1024,
            ws_per_message_deflate=False,
            ws_ping_interval=20,
            ws_ping_timeout=20,
            timeout_graceful_shutdown=5,
            limit_concurrency=2200,
            lifespan="on",
            log_level="warning",
            server_header=False,
        )
        asyncio.run(Server(config).serve())

    def _check_database(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The database is not up to date: run manage.py setup (or migrate) first.")
        connection.close()

    def _check_port(self, host: str, port: int) -> None:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(f"{host}:{port} cannot be used ({error.strerror}); choose another --port.") from None

    def _greet(self, host: str, port: int) -> None:
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  (read, not bound)
        address = f"http://{shown}:{port}"
        first = settings.MOZAIKS_MODELS.first
        self.stdout.write(f"Mozaiks serves {address} with the model {first.name} ({first.kind}).")
        if not settings.CONFIG.redis_url:
            self.stdout.write("Without REDIS_URL the channel layer is in memory: keep to this one server process.")
        if shown in ("127.0.0.1", "localhost", "::1"):
            try:
                principal = services.find_principal(user=services.find_user("alice"), app_slug="demo")
            except Refused:
                pass
            else:
                token = services.issue_ticket(principal=principal, purpose=Ticket.Purpose.LOGIN)
                self.stdout.write(f"Sign in as alice, once, from this machine: {address}/login/link?token={token}")
        self.stdout.flush()
        connection.close()
