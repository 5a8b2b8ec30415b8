"""What the tests' model server says: scripted replies, answers made of the request, and the rules of a transcript.

One rule: the same request gets the same answer, and no two neighbouring tokens of a text are alike.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from mozaiks.llm.example import example
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


def replies_from(raw: Any) -> list[Reply]:
    """Replies from JSON objects with Reply's fields. Raises TypeError for a field that Reply does not have."""
    return [Reply(**one) for one in raw]


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


@dataclass
class Frame:
    data: bytes
    token: bool = False
    last: bool = False


@dataclass
class Completion:
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

    def frames(self) -> Iterable[Frame | None]:
        """The events of the stream; None where the script breaks it."""
        yield self._frame({"role": "assistant", "content": None})
        breaks = self.reply.cut is not None or self.reply.hang == "tokens" or self.reply.error_event
        for number, frame in enumerate(self._tokens()):
            if breaks and number >= self.reply.cut_after:
                break
            if self.reply.garbage:
                yield Frame(b": a comment\n\nevent: ping\ndata: {not json\n\ndata: 5\n\n")
            yield frame
        if self.reply.error_event:
            yield Frame(_event({"error": {"message": self.reply.error, "code": 500}}))
        if breaks:
            yield None
            return
        yield self._frame({}, self.reason, last=True)
        if self.reply.usage and (self.body.get("stream_options") or {}).get("include_usage"):
            yield Frame(_event({**self._envelope(), "choices": [], "usage": self.usage()}))
        yield Frame(b"data: [DONE]\n\n")

    def _tokens(self) -> Iterable[Frame]:
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

    def _frame(self, delta: Body, reason: str | None = None, *, token: bool = False, last: bool = False) -> Frame:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return Frame(_event({**self._envelope(), "choices": [choice]}), token=token, last=last)

    def _envelope(self) -> Body:
        return {"id": self.id, "object": "chat.completion.chunk", "created": 0, "model": self.reply.model}


class Steps:
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
