"""SimpleTransport: one socket of one user. Nothing a client sends, and no handler's failure, can close it (law 13).

Channels' own ``dispatch`` is replaced: it hops to the shared database thread before every message (notes: database 7).
Frames go into a short queue and are carried out one after the other by a task of the socket; the pump of ``feed`` sends
events meanwhile. Every send has a deadline, so a reader that stopped is closed with 4008.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any, cast

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings

from mozaiks.protocol.close_codes import BAD_HELLO, FLOODING, RESTART, TOO_MANY, TOO_SLOW
from mozaiks.protocol.commands import Follow, Unfollow
from mozaiks.protocol.errors import HelloRequired, RateLimited, Refused, TooLarge
from mozaiks.protocol.frames import MAX_FRAME, decode, id_of_large, usable_id

from . import doorbell, executor, hub
from .auth import Admitted, Denied, admit, still_admitted
from .commands import Hello
from .dispatch import Outcome, as_refusal, dispatch, refusal_frame
from .feed import Feed

log = logging.getLogger("mozaiks.gateway")

HELLO_WITHIN = 5.0
SEND_WITHIN = 5.0
HEARTBEAT_EVERY = 20.0
WAITING_FRAMES = 256
SESSION_COMMANDS = frozenset(
    {
        "chat.start_workflow",
        "chat.switch_workflow",
        "chat.enter_general_mode",
        "chat.start_general_chat",
        "chat.delete",
        "tab.close",
    }
)


class Bucket:
    """A token bucket: ``rate`` commands a second, ``burst`` at once; debt beyond another burst is flooding."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst, self.level, self.at = rate, burst, burst, time.monotonic()

    def take(self) -> float:
        """Take one; the level left, negative when the rate is exceeded."""
        now = time.monotonic()
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        self.level = max(self.level - 1, -self.burst - 1)
        return self.level


class SocketConsumer(AsyncConsumer):  # type: ignore[misc]  # channels has no types
    """One WebSocket of PROTOCOL section 1."""

    def __init__(self) -> None:
        super().__init__()
        self.admitted: Admitted | None = None
        self.feed: Feed | None = None
        self._frames: asyncio.Queue[str | None] = asyncio.Queue(WAITING_FRAMES)
        self._tasks: list[asyncio.Task[None]] = []
        self._group: str | None = None
        self._closed = False
        self._sending = asyncio.Lock()
        limits = settings.MOZAIKS_LIMITS
        self._bucket = Bucket(limits.commands_per_second, limits.command_burst)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._clean_up()

    async def dispatch(self, message: Any) -> None:
        """Only the message types named here exist; anything else is ignored."""
        match message["type"]:
            case "websocket.connect":
                await self._connect()
            case "websocket.receive":
                await self._receive(message)
            case "websocket.disconnect":
                raise StopConsumer()
            case "gateway.bells" | "gateway.delta" | "gateway.close":
                await self._guard(self._from_layer(message))

    async def _from_layer(self, message: dict[str, Any]) -> None:
        if message["type"] == "gateway.close":
            await self.close(message["code"])
        elif self.feed is not None and message["type"] == "gateway.delta":
            await self.feed.delta(message["frame"])
        elif self.feed is not None:
            for bell in message["bells"]:
                self.feed.ring(bell)

    async def send_frame(self, frame: dict[str, Any]) -> None:
        """Send one frame, or close the socket with 4008 when the client takes none for 5 s."""
        if self._closed:
            return
        text = json.dumps(frame, separators=(",", ":"), ensure_ascii=False, default=str)
        try:
            async with self._sending:
                await asyncio.wait_for(self.send({"type": "websocket.send", "text": text}), SEND_WITHIN)
        except TimeoutError:
            await self.close(TOO_SLOW)
        except Exception:  # noqa: BLE001  (a socket outlives whatever a handler or a send raises)
            # The server under us says in many ways that the client is gone; websocket.disconnect follows.
            self._closed = True

    async def close(self, code: int) -> None:
        """Close with ``code``; further frames are dropped."""
        if not self._closed:
            self._closed = True
            while not self._frames.empty():  # a frame may wait for room: let it in, so that the disconnect is heard
                self._frames.get_nowait()
            try:
                await asyncio.wait_for(self.send({"type": "websocket.close", "code": code}), SEND_WITHIN)
            except Exception as error:  # noqa: BLE001  (a socket outlives whatever a handler or a send raises)
                log.debug("close not sent: %s", error)

    async def drain(self, frame: dict[str, Any]) -> None:
        await self.send_frame(frame)
        await self.close(RESTART)

    async def recheck(self) -> None:
        """Close the socket where its user lost the session, the role or the app."""
        assert self.admitted is not None
        code = await executor.read(still_admitted, self.admitted)
        if code is not None:
            await self.close(code)

    # Opening

    async def _connect(self) -> None:
        doorbell.bind()
        try:
            self.admitted = await executor.read(admit, cast(dict[str, Any], self.scope))
        except Denied as denied:
            await self._turn_away(denied.code)
            return
        except Exception as error:  # noqa: BLE001  (a socket outlives whatever a handler or a send raises)
            as_refusal(error)
            await self._turn_away(RESTART)
            return
        principal = self.admitted.principal
        if hub.draining:
            await self._turn_away(RESTART)
            return
        if hub.count(principal.user_id) >= settings.MOZAIKS_LIMITS.sockets_per_user:
            await self._turn_away(TOO_MANY)
            return
        hub.add(self)
        self._group = doorbell.group_of(app_id=principal.app_id, user_id=principal.user_id)
        if self.channel_layer is not None:
            try:
                await asyncio.wait_for(
                    self.channel_layer.group_add(self._group, self.channel_name), doorbell.LAYER_TIMEOUT
                )
            except Exception as error:  # noqa: BLE001  (a socket outlives whatever a handler or a send raises)
                log.warning("no doorbell for this socket, polling instead: %s", error)
        await self._accept()
        self._start(self._carry_out_frames())

    async def _accept(self) -> None:
        offered = cast(dict[str, Any], self.scope).get("subprotocols", ())
        subprotocol = "mozaiks.v1" if "mozaiks.v1" in offered else None
        await self.send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def _turn_away(self, code: int | None) -> None:
        """Accept and close, so that a browser can read the code; before accepting, closing means HTTP 403."""
        if code is not None:
            await self._accept()
        self._closed = True
        await self.send({"type": "websocket.close", "code": code or 4403})

    # Frames

    async def _receive(self, message: dict[str, Any]) -> None:
        if self._closed:
            return
        level = self._bucket.take()
        text = message.get("text")
        if level < 0:
            if level < -self._bucket.burst:
                await self.close(FLOODING)
                return
            await self._refuse(text, RateLimited("Too many commands; wait a moment and send it again."))
            return
        # A full queue stops reading from the socket, which the client feels as back-pressure.
        await self._frames.put(text if text is not None else None)

    async def _carry_out_frames(self) -> None:
        if not await self._hello():
            return
        assert self.feed is not None
        self._start(self._beat())
        self._start(self.feed.run())
        while not self._closed:
            await self._one(await self._frames.get())

    async def _hello(self) -> bool:
        """Wait for hello; other frames meanwhile are refused. False when none came in time."""
        assert self.admitted is not None
        deadline = asyncio.get_running_loop().time() + HELLO_WITHIN
        while not self._closed:
            try:
                async with asyncio.timeout_at(deadline):
                    await asyncio.sleep(0)  # with frames at hand, the deadline would not be looked at
                    text = await self._frames.get()
            except TimeoutError:
                await self.close(BAD_HELLO)
                return False
            frame = await self._decode(text)
            if frame is None:
                continue
            if frame.get("type") != "session.hello":
                await self._refuse(text, HelloRequired("The first frame must be session.hello."))
                continue
            # Made before the state is read: what changes from here on is told, by its bell or by the second look.
            feed = Feed(self.admitted.principal, self.send_frame)
            outcome = await dispatch(self.admitted.principal, frame)
            if isinstance(outcome.command, Hello) and outcome.command.protocol != 1:
                await self.close(BAD_HELLO)
                return False
            if not outcome.frame["ok"]:
                await self.send_frame(outcome.frame)
                if outcome.frame["error"]["retryable"]:  # our fault, so the client gets time to say it again
                    deadline = asyncio.get_running_loop().time() + HELLO_WITHIN
                continue
            self.feed = feed
            feed.session.begin_with(outcome.frame["data"])
            feed.wake.set()
            await self._finish(outcome)
            await self._open_alias()
            return True
        return False

    async def _open_alias(self) -> None:
        """The alias path's chat, opened and made active after hello."""
        assert self.admitted is not None
        chat_id = self.admitted.alias_chat
        if chat_id is not None:
            frame = {"type": "chat.switch_workflow", "id": f"alias-{self.channel_name}"[-64:], "chat_id": str(chat_id)}
            outcome = await dispatch(self.admitted.principal, frame)
            await self._apply(outcome)

    async def _one(self, text: str | None) -> None:
        assert self.admitted is not None
        assert self.feed is not None
        frame = await self._decode(text)
        if frame is None:
            return
        self.feed.command_begins()
        try:
            outcome = await dispatch(self.admitted.principal, frame)
            await self._finish(outcome)
        finally:
            self.feed.command_ends()

    async def _finish(self, outcome: Outcome) -> None:
        command = outcome.command
        if command is not None and not command.claimed and not isinstance(command, Hello) and self._full(outcome):
            outcome = Outcome(refusal_frame(command.id, self._too_many_chats()))
        await self.send_frame(outcome.frame)
        await self._apply(outcome)

    async def _apply(self, outcome: Outcome) -> None:
        assert self.feed is not None
        if outcome.command is not None and outcome.command.type in SESSION_COMMANDS:
            await self._guard(self.feed.session.sync(after_result=True))
        for effect in outcome.effects:
            if isinstance(effect, Unfollow):
                self.feed.unfollow(effect.chat_id)
            elif isinstance(effect, Follow):
                limit = settings.MOZAIKS_LIMITS.followed_chats
                if not self.feed.follow(effect, limit=limit):
                    await self.send_frame(refusal_frame(None, self._too_many_chats()))

    def _full(self, outcome: Outcome) -> bool:
        """Whether the command would follow one chat more than a socket may."""
        assert self.feed is not None
        new = {effect.chat_id for effect in outcome.effects if isinstance(effect, Follow)} - self.feed.followed.keys()
        return len(self.feed.followed) + len(new) > settings.MOZAIKS_LIMITS.followed_chats and bool(new)

    def _too_many_chats(self) -> RateLimited:
        return RateLimited(f"A socket may follow {settings.MOZAIKS_LIMITS.followed_chats} chats; close one first.")

    async def _decode(self, text: str | None) -> dict[str, Any] | None:
        try:
            return decode(text)
        except Refused as refusal:
            await self._refuse(text, refusal)
            return None

    async def _refuse(self, text: str | None, refusal: Refused) -> None:
        re = None
        if text is not None and (isinstance(refusal, TooLarge) or len(text) > MAX_FRAME):
            re = id_of_large(text)
        elif text is not None:
            try:
                re = usable_id(json.loads(text))
            except (ValueError, RecursionError):
                re = None
        await self.send_frame(refusal_frame(re, refusal))

    # Tasks

    async def _beat(self) -> None:
        assert self.feed is not None
        while not self._closed:
            await asyncio.sleep(HEARTBEAT_EVERY)
            chats = self.feed.heads()
            await self.send_frame({"type": "heartbeat", "session_version": self.feed.session.version, "chats": chats})

    def _start(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(self._guard_forever(work)))

    async def _guard_forever(self, work: Any) -> None:
        """A task of the socket that fails ends the socket in a way the client recovers from: reconnect and replay."""
        try:
            await work
        except Exception as error:  # noqa: BLE001  (a socket outlives whatever a handler or a send raises)
            refusal = as_refusal(error)
            log.warning("socket restarted: %s", refusal)
            await self.close(RESTART)

    async def _guard(self, work: Any) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  (a socket outlives whatever a handler or a send raises)
            as_refusal(error)

    async def _clean_up(self) -> None:
        self._closed = True
        hub.remove(self)
        for task in self._tasks:
            task.cancel()
        if self._group is not None and self.channel_layer is not None:
            try:
                await asyncio.wait_for(self.channel_layer.group_discard(self._group, self.channel_name), 2)
            except Exception as error:  # noqa: BLE001  (a socket outlives whatever a handler or a send raises)
                log.debug("group not left: %s", error)
