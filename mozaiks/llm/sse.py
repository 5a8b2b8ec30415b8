"""Server-sent events, read from bytes as they come: the payload of each event, in order.

One rule: whatever the bytes are, reading them is linear and bounded; a line longer than the limit is an error.
"""

from __future__ import annotations

LONGEST_LINE = 4_000_000


class FrameTooLong(ValueError):
    """A line of the stream is longer than any answer's frame."""


class FrameReader:
    """Feed it bytes in any cut; it gives the ``data`` of each finished event. Comments and other fields are dropped."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._held = 0
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> list[bytes]:
        if b"\n" not in received:
            self._hold(received)
            return []
        head, _, tail = received.rpartition(b"\n")
        lines = (b"".join(self._parts) + head).split(b"\n")
        self._parts, self._held = [], 0
        self._hold(tail)
        events: list[bytes] = []
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data = []
        return events

    def end(self) -> list[bytes]:
        """What a server left unfinished at the end of its stream: an event without its closing empty line."""
        return self.feed(b"\n\n")

    def _hold(self, part: bytes) -> None:
        self._held += len(part)
        if self._held > LONGEST_LINE:
            raise FrameTooLong("a line of the stream is too long")
        if part:
            self._parts.append(part)
