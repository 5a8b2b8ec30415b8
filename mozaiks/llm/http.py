"""The HTTP client that every call of an event loop shares: its open connections, kept and used again.

One rule: leaving an exchange before its body has ended closes the connection, so that the server stops at once.
A proxy set in the environment is honoured through httpx2; without one a connection of our own costs a tenth.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary

from mozaiks.llm.wire import CannotConnect, Connection, ConnectionLost, Response

if TYPE_CHECKING:
    import httpx2  # imported where it is used: it takes long, and most processes never need it

IDLE_SECONDS = 30.0
MOST_IDLE = 50  # per address; open exchanges have no limit, since those past it would wait in silence

Address = tuple[str, str, int]


@asynccontextmanager
async def post(url: str, *, headers: Mapping[str, str], body: bytes, connect_timeout: float) -> AsyncIterator[Response]:
    """POST ``body``; gives the answer once its head is there.

    Raises CannotConnect or ConnectionLost. A kept connection that turns out closed is replaced once.
    """
    pool = await _shared()
    parts = urlsplit(url)
    if _needs_proxy(parts):
        async with _by_proxy(pool, url, headers, body, connect_timeout) as response:
            yield response
        return
    address = _address(parts)
    request = _request(parts, headers, body)
    connection = pool.idle(address) or await _connect(pool, address, connect_timeout)
    try:
        try:
            await connection.send(request)
        except ConnectionLost:
            if not connection.reused or connection.heard:
                raise
            connection = await _connect(pool, address, connect_timeout)
            await connection.send(request)
        encoding = connection.headers.get("content-encoding", "identity")
        yield connection if encoding == "identity" else _Unpacked(connection, encoding)
    finally:
        pool.done(address, connection)


async def close() -> None:
    """Close the running loop's connections; the next call opens new ones."""
    pool = _pools.get(asyncio.get_running_loop())
    if pool is not None and pool.ending is not None:
        await pool.ending.aclose()


@dataclass
class _Pool:
    """The connections of one event loop."""

    ending: AsyncGenerator[None, None] | None = None
    all: set[Connection] = field(default_factory=set)
    kept: dict[Address, list[tuple[Connection, asyncio.TimerHandle]]] = field(default_factory=dict)
    by_proxy: httpx2.AsyncClient | None = None

    def idle(self, address: Address) -> Connection | None:
        kept = self.kept.get(address)
        if not kept:
            return None
        connection, expiry = kept.pop()
        expiry.cancel()
        connection.reused = True
        return connection

    def done(self, address: Address, connection: Connection) -> None:
        kept = self.kept.setdefault(address, [])
        if connection in self.all and connection.reusable and len(kept) < MOST_IDLE:
            expiry = asyncio.get_running_loop().call_later(IDLE_SECONDS, connection.close)
            kept.append((connection, expiry))
        else:
            connection.close()

    def lost(self, connection: Connection) -> None:
        self.all.discard(connection)
        for kept in self.kept.values():
            for one in [one for one in kept if one[0] is connection]:
                one[1].cancel()
                kept.remove(one)


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool] = WeakKeyDictionary()


async def _shared() -> _Pool:
    """The running loop's pool, made on first use; it closes with the loop even when nobody calls ``close``."""
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is None:
        pool = _pools[loop] = _Pool()
        pool.ending = _ending(pool)
        await anext(pool.ending)  # from now on the loop ends it among its asynchronous generators
    return pool


async def _ending(pool: _Pool) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        _pools.pop(asyncio.get_running_loop(), None)
        for connection in list(pool.all):
            connection.close()
        for kept in pool.kept.values():
            for _, expiry in kept:
                expiry.cancel()
        if pool.by_proxy is not None:
            await pool.by_proxy.aclose()
        await asyncio.sleep(0)  # the sockets close in the loop's next round


async def _connect(pool: _Pool, address: Address, seconds: float) -> Connection:
    scheme, host, port = address
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(pool.lost),
                host,
                port,
                ssl=_tls() if scheme == "https" else None,
                happy_eyeballs_delay=0.25,
            )
    except TimeoutError as error:
        if limit.expired():
            raise CannotConnect(f"no connection within {seconds:g} seconds") from None
        raise CannotConnect(str(error)) from error
    except (OSError, UnicodeError) as error:
        raise CannotConnect(f"{type(error).__name__}: {error}") from error
    pool.all.add(connection)
    return connection


@cache
def _tls() -> ssl.SSLContext:
    """Made once: a context costs tens of milliseconds."""
    import httpx2

    return httpx2.create_ssl_context()


def _address(parts: SplitResult) -> Address:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port


def _request(parts: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    lines = [f"POST {target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body


def _needs_proxy(parts: SplitResult) -> bool:
    """Whether the environment sends this address through a proxy; loopback never is."""
    host = parts.hostname or ""
    if host in ("127.0.0.1", "localhost", "::1"):
        return False
    proxies = getproxies()
    return bool(proxies.get(parts.scheme) or proxies.get("all")) and not proxy_bypass(host)


@asynccontextmanager
async def _by_proxy(
    pool: _Pool, url: str, headers: Mapping[str, str], body: bytes, connect_timeout: float
) -> AsyncIterator[Response]:
    import httpx2

    if pool.by_proxy is None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=MOST_IDLE, keepalive_expiry=4)
        pool.by_proxy = httpx2.AsyncClient(timeout=None, limits=limits, follow_redirects=False)
    patience = httpx2.Timeout(None, connect=connect_timeout, pool=connect_timeout)
    try:
        async with pool.by_proxy.stream("POST", url, content=body, headers=dict(headers), timeout=patience) as response:
            yield _Proxied(response)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError, httpx2.InvalidURL) as error:
        raise CannotConnect(f"{type(error).__name__}: {error}") from error
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise ConnectionLost(f"{type(error).__name__}: {error}") from error


class _Proxied:
    """An httpx2 answer as a Response."""

    def __init__(self, response: httpx2.Response) -> None:
        self.status = response.status_code
        self.headers = dict(response.headers)
        self._parts = response.aiter_bytes()

    async def read(self) -> bytes:
        async for part in self._parts:
            if part:
                return part
        return b""


class _Unpacked:
    """A compressed answer of a server that ignores that we asked for none."""

    def __init__(self, inner: Connection, encoding: str) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise ConnectionLost(f"the answer is encoded as {encoding[:40]!r}")
        self.status, self.headers = inner.status, inner.headers
        self._inner = inner
        self._unpacker = zlib.decompressobj(47 if encoding != "deflate" else 15)

    async def read(self) -> bytes:
        try:
            while True:
                packed = self._unpacker.unconsumed_tail or await self._inner.read()
                if not packed:
                    return b""
                if part := self._unpacker.decompress(packed, 1_000_000):
                    return part
        except zlib.error as error:
            raise ConnectionLost(f"the answer cannot be unpacked: {error}") from error
