"""The one HTTP client that the model calls of an event loop share, and the ``openai`` clients that speak through it.

One rule: this module and ``endpoint`` are imported when a model is called over HTTP, never before: ``openai`` takes
half a second to import, and the offline model does without.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import httpx2
from openai import AsyncOpenAI

IDLE_SECONDS = 30.0
MOST_IDLE = 50  # open exchanges have no limit, since those past it would wait in silence
MOST_WITHOUT_EVENT = 16_000_000  # bytes; the SSE decoder itself has no limit
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")  # never through a proxy of the environment


class Connections:
    """The connections of one event loop."""

    def __init__(self) -> None:
        self.http = httpx2.AsyncClient(
            verify=_tls(),
            timeout=None,  # every wait is limited around the whole call, connecting by the call itself
            limits=httpx2.Limits(
                max_connections=None, max_keepalive_connections=MOST_IDLE, keepalive_expiry=IDLE_SECONDS
            ),
            headers={"Accept-Encoding": "identity"},
            mounts=dict.fromkeys((f"all://{host}" for host in LOOPBACK), None),
            event_hooks={"request": [_watch], "response": [_bound]},
        )
        self._clients: dict[tuple[str, str | None], AsyncOpenAI] = {}
        self.ending: AsyncGenerator[None, None] | None = None

    def client(self, base_url: str, api_key: str | None) -> AsyncOpenAI:
        """The client of an endpoint; keyless servers get a key too, since the SDK insists on one."""
        address = base_url, api_key
        if address not in self._clients:
            self._clients[address] = AsyncOpenAI(
                base_url=base_url, api_key=api_key or "not-needed", max_retries=0, http_client=self.http
            )
        return self._clients[address]


@cache
def _tls() -> ssl.SSLContext:
    """Made once: a context costs tens of milliseconds."""
    return httpx2.create_ssl_context()


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Connections] = WeakKeyDictionary()


async def shared() -> Connections:
    """The running loop's connections, made on first use; they close with the loop even when nobody calls ``close``."""
    loop = asyncio.get_running_loop()
    connections = _of_loop.get(loop)
    if connections is None:
        connections = _of_loop[loop] = Connections()
        connections.ending = _ending(connections)
        await anext(connections.ending)  # from now on the loop ends it among its asynchronous generators
    return connections


async def close() -> None:
    """Close the running loop's connections; the next call opens new ones."""
    connections = _of_loop.get(asyncio.get_running_loop())
    if connections is not None and connections.ending is not None:
        await connections.ending.aclose()


async def _ending(connections: Connections) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        _of_loop.pop(asyncio.get_running_loop(), None)
        await connections.http.aclose()
        await asyncio.sleep(0)  # the sockets close in the loop's next round


# a kept connection that the server closes just as the next request arrives


class _Watch:
    """Hears from the transport whether a request opened a connection of its own."""

    def __init__(self) -> None:
        self.connected = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("connect_tcp.started"):
            self.connected = True


async def _watch(request: httpx2.Request) -> None:
    request.extensions["trace"] = _Watch()


def was_stale(request: httpx2.Request, cause: BaseException | None) -> bool:
    """Whether a request failed because it met a kept connection that was no longer good."""
    watch = request.extensions.get("trace")
    lost = isinstance(cause, (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError))
    return lost and isinstance(watch, _Watch) and not watch.connected


# an answer without an end


class _Bounded(httpx2.AsyncByteStream):
    """A body that is given up when too much of it comes without an event."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body
        self.pending = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            self.pending += len(part)
            if self.pending > MOST_WITHOUT_EVENT:
                raise httpx2.ReadError(f"more than {MOST_WITHOUT_EVENT} bytes without an event")
            yield part

    async def aclose(self) -> None:
        await self._body.aclose()


async def _bound(response: httpx2.Response) -> None:
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream)


def event_came(response: httpx2.Response) -> None:
    """Begin to count anew."""
    if isinstance(response.stream, _Bounded):
        response.stream.pending = 0
