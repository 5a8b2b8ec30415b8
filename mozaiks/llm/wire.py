"""One HTTP/1.1 exchange on one connection, as lean as a token deserves: about a tenth of a general client's cost.

One rule: a body is whole only when its framing says so; a connection that ends before that is ``ConnectionLost``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

LONGEST_HEAD = 65_536
MOST_BUFFERED = 262_144  # bytes that wait for a reader before the socket is left alone


class ConnectionLost(OSError):
    """The connection ended, or what came over it was not HTTP, before the answer was whole."""


class CannotConnect(OSError):
    """No connection could be made."""


class Response(Protocol):
    """An answer whose head has arrived."""

    status: int
    headers: dict[str, str]

    async def read(self) -> bytes:
        """The next bytes of the body, b"" at its end. Raises ConnectionLost."""


class Connection(asyncio.Protocol):
    """A connection that does one exchange at a time. It is the Response of the exchange it is in."""

    def __init__(self, on_lost: Callable[[Connection], None]) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.reused = False
        self.heard = False  # whether a byte of this exchange's answer has come
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._lost: ConnectionLost | None = None
        self._paused = False
        self._raw = b""
        self._parts: deque[bytes] = deque()
        self._buffered = 0
        self._left: int | None = None  # bytes left of the body or chunk; None: until the connection ends
        self._chunked = self._after_chunk = self._in_trailer = self._ended = False
        self._keep = True

    # an exchange

    async def send(self, request: bytes) -> None:
        """Send a request and wait for the head of its answer."""
        self._begin()
        if self._transport is not None:
            self._transport.write(request)
        while not self.status:
            await self._more()

    async def read(self) -> bytes:
        while not self._parts:
            if self._ended:
                return b""
            await self._more()
        body = self._parts.popleft() if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._buffered = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return body

    @property
    def reusable(self) -> bool:
        """Whether the exchange is over and the server keeps the connection open for another."""
        return self._ended and not self._raw and not self._parts and self._lost is None and self._keep

    def close(self) -> None:
        """End it now, whatever it is doing."""
        if self._transport is not None:
            self._transport.abort()

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard = True
        if self._ended:
            self.close()  # nothing was asked: a kept connection that talks is of no use
            return
        try:
            self._parse(data)
        except ValueError as error:
            self._fail(ConnectionLost(f"what the server sent is not HTTP: {error}"))
            self.close()
            return
        if self._buffered > MOST_BUFFERED and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._left is None and self.status and not self._chunked:
            self._ended = True  # a body without a length ends with its connection
            self._keep = False
        self._fail(
            ConnectionLost("the server closed the connection" if exc is None else f"{type(exc).__name__}: {exc}")
        )
        self._transport = None  # it holds the loop, which must be free to go
        self._on_lost(self)

    # the parser

    def _begin(self) -> None:
        self.status, self.headers, self.heard = 0, {}, False
        self._raw = b""
        self._parts.clear()
        self._buffered = 0
        self._left = None
        self._chunked = self._after_chunk = self._in_trailer = self._ended = False
        self._keep = True

    def _parse(self, data: bytes) -> None:
        raw = self._raw + data if self._raw else data
        while raw and not self._ended:
            if not self.status:
                head, found, rest = raw.partition(b"\r\n\r\n")
                if len(head) > LONGEST_HEAD:
                    raise ValueError("its head is too long")
                if not found:
                    break
                raw = rest
                self._head(head)
            elif not self._chunked:
                body = raw if self._left is None else raw[: self._left]
                raw = raw[len(body) :]
                self._take(body)
                if self._left is not None:
                    self._left -= len(body)
                    self._ended = self._left == 0
            elif self._left:
                body = raw[: self._left]
                raw = raw[len(body) :]
                self._take(body)
                self._left -= len(body)
                self._after_chunk = not self._left
            else:
                line, found, rest = raw.partition(b"\r\n")
                if not found:
                    if len(raw) > LONGEST_HEAD:
                        raise ValueError("a chunk's head is too long")
                    break
                raw = rest
                self._chunk_line(line)
        self._raw = raw

    def _chunk_line(self, line: bytes) -> None:
        if self._in_trailer:
            self._ended = not line
            return
        if self._after_chunk:
            if line:
                raise ValueError("a chunk is longer than it said")
            self._after_chunk = False
            return
        size = int(line.split(b";", 1)[0], 16)
        if size < 0:
            raise ValueError("a chunk has a negative size")
        self._left = size
        self._in_trailer = size == 0

    def _head(self, head: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, *_ = (*first.split(" ", 2), "", "")
        if not version.startswith("HTTP/1.") or not status.isdigit() or len(status) != 3:
            raise ValueError("it does not begin with a status")
        if int(status) < 200:
            return  # an interim answer; the real one follows
        for line in lines:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.status = int(status)
        self._keep = version == "HTTP/1.1" and "close" not in self.headers.get("connection", "").lower()
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            self._chunked, self._left = True, 0
        elif "content-length" in self.headers:
            self._left = int(self.headers["content-length"])
            if self._left < 0:
                raise ValueError("its length is negative")
            self._ended = self._left == 0
        elif self.status in (204, 304):
            self._ended = True

    def _take(self, body: bytes) -> None:
        self._parts.append(body)
        self._buffered += len(body)

    # waiting

    async def _more(self) -> None:
        """Wait until something came. Raises ConnectionLost when nothing more will."""
        if self._lost is not None:
            raise self._lost
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: ConnectionLost) -> None:
        if self._lost is None:
            self._lost = error
        self._wake()
