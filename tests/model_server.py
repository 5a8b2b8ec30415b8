"""A real OpenAI-compatible model server on loopback, for tests: deterministic, scriptable, and it keeps a ledger.

    with ModelServer(script=[Reply(status=500), Reply(text="hello")], log=path) as server:
        entry = server.entry(first_token_timeout=1)
    python tests/model_server.py --port 0 --log FILE [--token-delay 0.02] [--script FILE.json] [--tools]

One rule: it answers as a strict provider would (a broken transcript is a 400), and every call and every completion is
a line of the log before the next byte is sent, so that a test can count what was really asked and spent.
Lines: {"event": "call"|"completion"|"disconnect"|"refused", "id", "time", …}. POST /script takes a JSON list of
replies while it runs; GET /calls gives the ledger.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mozaiks.llm.entries import ModelEntry, ModelList
from mozaiks.llm.example import Unsatisfiable
from tests.model_answers import MODEL, Body, Completion, Reply, Steps, answer_for, replies_from, transcript_problem

__all__ = ["MODEL", "ModelServer", "Reply", "answer_for", "replies_from", "transcript_problem"]

Script = Sequence[Reply] | Callable[[Body], Reply | None] | None


class ModelServer:
    """The server in a thread of its own; a context manager. ``calls`` and ``completions`` are its ledger in memory."""

    def __init__(
        self,
        script: Script = None,
        *,
        log: Path | None = None,
        token_delay: float = 0.0,
        port: int = 0,
        tools: bool = False,
    ) -> None:
        self.token_delay = token_delay
        self.tools = tools
        self.ledger: list[Body] = []
        self.open_streams = 0
        self.connections = 0
        self._script: Callable[[Body], Reply | None] = lambda body: None
        self.script(script)
        self._log = log
        self.port = port
        self._numbers = itertools.count(1)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    # what a test asks

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def calls(self) -> list[Body]:
        """The bodies of all calls so far, refused ones included."""
        return [line["body"] for line in list(self.ledger) if line["event"] == "call"]

    @property
    def completions(self) -> list[Body]:
        """The finished answers: id, prompt_tokens, completion_tokens, text."""
        return [line for line in list(self.ledger) if line["event"] == "completion"]

    @property
    def disconnects(self) -> int:
        """How many streams were closed by the client."""
        return sum(line["event"] == "disconnect" for line in list(self.ledger))

    def script(self, script: Script) -> None:
        """Exchange the script; takes effect with the next request."""
        self._script = script if callable(script) else Steps(script or ())

    def entry(self, name: str = MODEL, **changes: Any) -> ModelEntry:
        values: dict[str, Any] = {"name": name, "kind": "openai", "model": MODEL, "base_url": self.url, **changes}
        return ModelEntry(**values)

    def models(self, **changes: Any) -> ModelList:
        return ModelList((self.entry(**changes),))

    # running

    def start(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="model-server", daemon=True)
        self._thread.start()
        self._ready.wait(10)
        if self._failed is not None:
            raise self._failed
        return self

    def stop(self) -> None:
        """Cut every open stream and end."""
        if self._loop is not None and self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        try:
            server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, backlog=2048)
        except BaseException as error:
            self._failed = error
            self._ready.set()
            return
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    # one connection

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        try:
            while await self._request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        except asyncio.CancelledError:
            pass  # the server stops; asyncio would report a cancelled connection as an error
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        received = await reader.readexactly(int(headers.get("content-length", "0")))
        try:
            body = json.loads(received) if received else {}
        except ValueError:
            return self._answer(writer, 400, _error("The body is not JSON."))
        match method, urlsplit(path).path.removeprefix("/v1"):
            case "GET", "/models":
                return self._answer(writer, 200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})
            case "GET", "/calls":
                return self._answer(writer, 200, {"ledger": self.ledger})
            case "POST", "/script":
                try:
                    self.script(replies_from(body))
                except TypeError as error:
                    return self._answer(writer, 400, _error(str(error)))
                return self._answer(writer, 200, {"ok": True})
            case "POST", "/chat/completions":
                return await self._chat(body, path, headers.get("authorization", ""), reader, writer)
        return self._answer(writer, 404, _error(f"No such path: {path}"))

    def _answer(self, writer: asyncio.StreamWriter, status: int, document: Any, extra: str = "") -> bool:
        payload = json.dumps(document).encode()
        writer.write(
            f"HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\n{extra}"
            f"content-length: {len(payload)}\r\n\r\n".encode()
            + payload
        )
        return True

    # one chat completion

    async def _chat(
        self, body: Body, path: str, key: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        call_id = f"chatcmpl-{next(self._numbers)}"
        self._note("call", call_id, path=path, body=body)
        if not key.startswith("Bearer ") or len(key) < 8:
            self._note("refused", call_id, status=401)
            return self._answer(writer, 401, _error("You did not provide an API key."))
        reply = self._script(body) or Reply()
        problem = transcript_problem(body)
        if reply.status is None and problem is None:
            try:
                text, calls = answer_for(body, reply, self.tools)
            except Unsatisfiable as error:
                problem = f"Invalid schema: {error}"
        if reply.status is not None or problem is not None:
            status = reply.status or 400
            self._note("refused", call_id, status=status, reason=problem or reply.error)
            await asyncio.sleep(reply.delay)
            return self._answer(writer, status, _error(problem or reply.error), "retry-after: 1\r\n" * (status == 429))
        completion = Completion(call_id, body, reply, text, calls)
        gone = asyncio.ensure_future(reader.read(1))  # a client that reads has nothing to say until the answer ends
        answering = asyncio.ensure_future(self._complete(completion, writer))
        self.open_streams += 1
        try:
            await asyncio.wait({gone, answering}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                self._note("disconnect", call_id, sent=completion.sent)
                writer.transport.abort()
                return False
            return answering.result()
        except ConnectionError:
            self._note("disconnect", call_id, sent=completion.sent)
            return False
        finally:
            self.open_streams -= 1
            for task in (gone, answering):
                task.cancel()
            await asyncio.gather(gone, answering, return_exceptions=True)

    async def _complete(self, completion: Completion, writer: asyncio.StreamWriter) -> bool:
        """Send the answer; True when the connection can serve another request."""
        reply = completion.reply
        if reply.hang == "accept":
            await asyncio.sleep(3600)
        await asyncio.sleep(reply.delay)
        if reply.plain or not completion.body.get("stream"):
            self._note("completion", completion.id, **completion.spent())
            return self._answer(writer, 200, completion.document())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        await writer.drain()
        if reply.hang == "headers":
            await asyncio.sleep(3600)
        pause = self.token_delay if reply.token_delay is None else reply.token_delay
        for frame in completion.frames():
            if frame is None:
                return await self._broken(reply, writer)
            if frame.token:
                await asyncio.sleep(pause)  # also without a pause: a closing client is seen
                completion.sent += 1
            if frame.last:
                self._note("completion", completion.id, **completion.spent())
            writer.write(_chunk(frame.data))
            if reply.duplicate:
                writer.write(_chunk(frame.data) if not frame.token else b"")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _broken(self, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        await writer.drain()
        if reply.hang:
            await asyncio.sleep(3600)
        if reply.cut == "abort":
            await asyncio.sleep(0.02)  # what was sent arrives before the reset
            writer.transport.abort()
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    def _note(self, event: str, call_id: str, **facts: Any) -> None:
        line = {"event": event, "id": call_id, "time": time.time(), **facts}
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        self.ledger.append(line)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _error(message: str) -> Body:
    return {"error": {"message": message, "type": "invalid_request_error", "code": None}}


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-compatible model server on loopback, for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, help="append every call and completion to this JSONL file")
    parser.add_argument("--token-delay", type=float, default=0.0, help="seconds between tokens")
    parser.add_argument("--script", type=Path, help="a JSON list of replies (the fields of Reply)")
    parser.add_argument("--tools", action="store_true", help="call the first tool when the last message is a user's")
    options = parser.parse_args()
    script = replies_from(json.loads(options.script.read_text())) if options.script else None
    server = ModelServer(
        script, log=options.log, token_delay=options.token_delay, port=options.port, tools=options.tools
    ).start()
    print(f"READY {server.url}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.stop()


if __name__ == "__main__":
    main()
