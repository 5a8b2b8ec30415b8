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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mozaiks.llm.entries import ModelEntry, ModelList
from mozaiks.llm.example import Unsatisfiable, example
from mozaiks.llm.words import count_tokens, keywords, pieces

Body = dict[str, Any]
MODEL = "test-model"


@dataclass
class Reply:
    """One scripted answer. Everything that is not set is answered from the request.

    ``match``: only for a request whose messages hold this text; ``times``: for how many requests. ``cut_after`` counts
    tokens: the stream then ends ``cut`` "clean" (as if whole) or "abort" (the connection is reset). ``hang`` stops
    "accept" (no answer at all), "headers" (200, then nothing) or "tokens" (after ``cut_after`` tokens), for good.
    """

    text: str | None = None
    json: Any = None
    tool_calls: list[tuple[str, Any]] = field(default_factory=list)
    match: str | None = None
    times: int = 1
    delay: float = 0.0
    token_delay: float | None = None
    tokens: int | None = None
    cut: str | None = None
    cut_after: int = 3
    status: int | None = None
    error: str = "scripted error"
    hang: str | None = None
    garbage: bool = False
    duplicate: bool = False
    endless: bool = False
    usage: bool = True
    error_event: bool = False
    plain: bool = False
    finish_reason: str | None = "stop"
    model: str = MODEL


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
        self._script = script if callable(script) else _Steps(script or ())

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
            server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
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
                self.script(replies_from(body))
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
        completion = _Completion(call_id, body, reply, text, calls)
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

    async def _complete(self, completion: _Completion, writer: asyncio.StreamWriter) -> bool:
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


@dataclass
class _Frame:
    data: bytes
    token: bool = False
    last: bool = False


@dataclass
class _Completion:
    """One answer and how much of it was sent."""

    id: str
    body: Body
    reply: Reply
    text: str
    calls: list[tuple[str, str]]
    sent: int = 0

    @property
    def reason(self) -> str | None:
        return "tool_calls" if self.calls and self.reply.finish_reason == "stop" else self.reply.finish_reason

    def usage(self) -> dict[str, int]:
        prompt = count_tokens(json.dumps(self.body.get("messages")))
        completion = count_tokens(self.text) + sum(count_tokens(name + arguments) for name, arguments in self.calls)
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}

    def spent(self) -> Body:
        return {**self.usage(), "text": self.text, "tool_calls": self.calls, "finish_reason": self.reason}

    def tool_calls(self) -> list[Body]:
        return [
            {
                "index": number,
                "id": f"call_{self.id.rsplit('-', 1)[-1]}_{number}_{sha256(arguments.encode()).hexdigest()[:6]}",
                "type": "function",
                "function": {"name": name, "arguments": arguments},
            }
            for number, (name, arguments) in enumerate(self.calls)
        ]

    def document(self) -> Body:
        message = {"role": "assistant", "content": self.text or None, "tool_calls": self.tool_calls() or None}
        choice = {"index": 0, "message": message, "finish_reason": self.reason}
        document = {"id": self.id, "object": "chat.completion", "model": self.reply.model, "choices": [choice]}
        return document | ({"usage": self.usage()} if self.reply.usage else {})

    def frames(self) -> Iterable[_Frame | None]:
        """The events of the stream; None where the script breaks it."""
        yield self._frame({"role": "assistant", "content": None})
        breaks = self.reply.cut is not None or self.reply.hang == "tokens" or self.reply.error_event
        for number, frame in enumerate(self._tokens()):
            if breaks and number >= self.reply.cut_after:
                break
            if self.reply.garbage:
                yield _Frame(b": a comment\n\nevent: ping\ndata: {not json\n\ndata: 5\n\n")
            yield frame
        if self.reply.error_event:
            yield _Frame(_event({"error": {"message": self.reply.error, "code": 500}}))
        if breaks:
            yield None
            return
        yield self._frame({}, self.reason, last=True)
        if self.reply.usage and (self.body.get("stream_options") or {}).get("include_usage"):
            yield _Frame(_event({**self._envelope(), "choices": [], "usage": self.usage()}))
        yield _Frame(b"data: [DONE]\n\n")

    def _tokens(self) -> Iterable[_Frame]:
        texts: Iterable[str] = pieces(self.text)
        if self.reply.endless:
            texts = (f" word{number}" for number in itertools.count())
        for text in texts:
            yield self._frame({"content": text}, token=True)
        for call in self.tool_calls():
            arguments = call["function"]["arguments"]
            head = {**call, "function": {"name": call["function"]["name"], "arguments": ""}}
            yield self._frame({"tool_calls": [head]}, token=True)
            for part in pieces(arguments):
                fragment = {"index": call["index"], "function": {"arguments": part}}
                yield self._frame({"tool_calls": [fragment]}, token=True)

    def _frame(self, delta: Body, reason: str | None = None, *, token: bool = False, last: bool = False) -> _Frame:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return _Frame(_event({**self._envelope(), "choices": [choice]}), token=token, last=last)

    def _envelope(self) -> Body:
        return {"id": self.id, "object": "chat.completion.chunk", "created": 0, "model": self.reply.model}


class _Steps:
    """A list of replies: each request takes the first that is not used up and matches."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self.left = [(reply, reply.times) for reply in replies]
        self.lock = threading.Lock()

    def __call__(self, body: Body) -> Reply | None:
        said = json.dumps(body.get("messages"), ensure_ascii=False)
        with self.lock:
            for number, (reply, times) in enumerate(self.left):
                if times and (reply.match is None or reply.match in said):
                    self.left[number] = (reply, times - 1)
                    return reply
        return None


def replies_from(raw: Any) -> list[Reply]:
    """Replies from JSON objects with Reply's fields."""
    known = {one.name for one in fields(Reply)}
    return [Reply(**{key: value for key, value in one.items() if key in known}) for one in raw]


def answer_for(body: Body, reply: Reply, tools: bool = False) -> tuple[str, list[tuple[str, str]]]:
    """The text and the tool calls of an answer: the script's, else made of the request's own words."""
    if reply.tool_calls:
        return reply.text or "", [
            (name, args if isinstance(args, str) else json.dumps(args)) for name, args in reply.tool_calls
        ]
    if reply.text is not None:
        return reply.text, []
    if reply.json is not None:
        return json.dumps(reply.json, ensure_ascii=False), []
    messages = body.get("messages") or []
    said = [_text(message) for message in messages if message.get("role") == "user"]
    if tools and body.get("tools") and messages and messages[-1].get("role") == "user":
        function = body["tools"][0]["function"]
        return "", [
            (function["name"], json.dumps(example(function.get("parameters") or {"type": "object"}, said[-1:])))
        ]
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return json.dumps(example(wanted["json_schema"]["schema"], said[-1:]), ensure_ascii=False), []
    if wanted.get("type") == "json_object":
        return json.dumps(example({"type": "object", "minProperties": 1}, said[-1:])), []
    return _speech(messages, said[-1] if said else "", reply.tokens or 12), []


def transcript_problem(body: Body) -> str | None:
    """What OpenAI refuses in a transcript: each assistant tool call must be followed by exactly its tool messages."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "'messages' must be a list that is not empty."
    waiting: set[str] = set()
    for number, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("system", "developer", "user", "assistant", "tool"):
            return f"Invalid role in message {number}."
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                return f"Message {number}: 'tool' must follow a message with its 'tool_calls'."
            waiting.discard(message["tool_call_id"])
            continue
        if waiting:
            return f"Message {number}: tool_call_ids without a response: {', '.join(sorted(waiting))}."
        if role == "assistant" and message.get("tool_calls"):
            waiting = {call["id"] for call in message["tool_calls"]}
        elif role != "assistant" and not isinstance(message.get("content"), (str, list)):
            return f"Message {number}: 'content' must be a text."
    return f"tool_call_ids without a response: {', '.join(sorted(waiting))}." if waiting else None


def _speech(messages: list[Body], said: str, tokens: int) -> str:
    """Words that depend on the whole transcript and never repeat as tokens."""
    digest = sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()
    words = keywords([said]) or ["nothing"]
    spoken = [f"{words[number % len(words)][:4]}{number}" for number in range(max(0, tokens - 2))]
    return " ".join(["Reply", digest[:6], *spoken]) + "."


def _text(message: Body) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content or ""


def _event(document: Body) -> bytes:
    return b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n"


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
