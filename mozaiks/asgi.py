"""The ASGI application: HTTP to Django, sockets to the gateway, and the embedded engine beside them.

A server without lifespan (daphne) starts the engine with its first scope.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mozaiks.settings")
django_application = get_asgi_application()

from mozaiks.gateway import doorbell, executor, hub  # noqa: E402  (Django must be set up first)
from mozaiks.gateway.routing import websocket_urlpatterns  # noqa: E402
from mozaiks.llm import close as close_models  # noqa: E402
from workflows_app.engine.embedded import EmbeddedEngine  # noqa: E402


class NoSuchSocket:
    """An unknown socket path is refused, not an error in the log."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.close", "code": 4403})


class Application:
    """Routes scopes, and owns the engine of this process."""

    def __init__(self) -> None:
        self._routes = ProtocolTypeRouter(
            {"http": django_application, "websocket": URLRouter([*websocket_urlpatterns, _everything_else()])}
        )
        self._engine: EmbeddedEngine | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        self.start()
        await self._routes(scope, receive, send)

    def start(self) -> None:
        """Start the engine in the running loop, once."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            hub.draining = False
            self._engine = EmbeddedEngine()
            self._engine.start()

    async def stop(self) -> None:
        """Drain: tell clients, end steps, leave the rest to the next start."""
        await hub.drain()
        if self._engine is not None:
            await self._engine.stop()
            self._engine = None  # and the loop stays known: a client that comes back meanwhile starts nothing
        await close_models()

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                doorbell.bind()
                self.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                executor.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _everything_else() -> Any:
    from django.urls import re_path

    return re_path(r"", NoSuchSocket())  # type: ignore[arg-type]  # an ASGI application, as URLRouter takes


application = Application()
