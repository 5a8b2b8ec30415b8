"""One try at an OpenAI-compatible endpoint, streamed.

One rule: every wait has an end (connect, first token, between tokens, total), and leaving for any reason, a
cancellation included, closes the HTTP stream, so that the server stops working on it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from mozaiks.llm.answer import AnswerBuilder, AnswerTooLong
from mozaiks.llm.chat import ChatAnswer, ChatRequest
from mozaiks.llm.entries import ModelEntry
from mozaiks.llm.errors import ModelCallError, ModelInterrupted, ModelRejected, ModelTruncated, ModelUnavailable
from mozaiks.llm.http import post
from mozaiks.llm.sse import FrameReader, FrameTooLong
from mozaiks.llm.wire import CannotConnect, ConnectionLost, Response

log = logging.getLogger(__name__)

GRACE_AFTER_FINISH = 5.0  # seconds a server gets for its usage after it said why it finished
MOST_GARBAGE = 100  # unreadable frames before the stream is given up
LONGEST_PLAIN = 16_000_000  # bytes of an answer that is not a stream


async def call_endpoint(entry: ModelEntry, request: ChatRequest, publish: Callable[[str], None]) -> ChatAnswer:
    """Ask ``entry`` once; ``publish`` gets each piece of text as it comes. Raises a ModelCallError of the entry."""
    if not entry.base_url:
        raise ModelUnavailable(f"The model {entry.name!r} has not been started.", True, entry)
    attempt = _Attempt(entry, AnswerBuilder(entry.max_answer_chars), publish)
    try:
        await attempt.run(request)
    except (CannotConnect, ConnectionLost) as error:
        log.warning("model entry %s: %s: %s", entry.name, type(error).__name__, error)
        if attempt.answer.finish_reason is None:
            what = "could not be reached" if isinstance(error, CannotConnect) else "lost the connection"
            raise attempt.broken(what) from error
    except FrameTooLong as error:
        raise attempt.broken("sent a frame that is too long to be read") from error
    except AnswerTooLong as error:
        text = attempt.answer.text
        raise ModelInterrupted(
            f"The model {entry.name!r} was stopped: its answer has {error}.", False, entry, text=text
        ) from error
    return attempt.finished(accept_cut=request.accept_cut and request.response_format is None)


def request_body(entry: ModelEntry, request: ChatRequest) -> bytes:
    """The JSON body of the call: UTF-8 whatever the text holds, fields that are None left out."""
    body: dict[str, Any] = {
        "model": entry.model,
        "messages": request.messages,
        "tools": request.tools or None,
        "response_format": request.response_format,
        "temperature": entry.temperature,
        "max_tokens": entry.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        **entry.extra,
    }
    given = {name: value for name, value in body.items() if value is not None}
    return json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@dataclass
class _Attempt:
    """One HTTP exchange and what has come of it."""

    entry: ModelEntry
    answer: AnswerBuilder
    publish: Callable[[str], None]
    garbage: int = 0

    async def run(self, request: ChatRequest) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        total = started + self.entry.total_timeout
        between = self.entry.between_tokens_timeout
        limit = asyncio.timeout_at(min(total, started + self.entry.first_token_timeout))
        seen = 0
        try:
            async with limit, self._open(request) as response:
                await self._check(response)
                async for frames in _frames(response):  # to the body's end, so that the connection can be kept
                    for frame in frames:
                        if frame != b"[DONE]":
                            self._take(frame)
                    if self.answer.finish_reason is not None:
                        limit.reschedule(min(total, loop.time() + min(between, GRACE_AFTER_FINISH)))
                    elif self.answer.tokens != seen:
                        seen = self.answer.tokens
                        limit.reschedule(min(total, loop.time() + between))
        except TimeoutError:
            if not limit.expired():
                raise
            if self.answer.finish_reason is None:
                raise self.broken(self._too_slow(loop.time() >= total)) from None

    def _open(self, request: ChatRequest) -> AbstractAsyncContextManager[Response]:
        entry = self.entry
        headers = {
            "Authorization": f"Bearer {entry.api_key or 'not-needed'}",
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",
        }
        return post(
            f"{entry.base_url}/chat/completions",
            headers=headers,
            body=request_body(entry, request),
            connect_timeout=entry.connect_timeout,
        )

    async def _check(self, response: Response) -> None:
        status = response.status
        if status == 200:
            return
        said = await _error_text(response, self.entry)
        log.warning("model entry %s answered %s: %s", self.entry.name, status, said)
        raise _refusal(self.entry, status, said)

    def _take(self, frame: bytes) -> None:
        try:
            chunk = json.loads(frame)
        except (ValueError, RecursionError):
            chunk = None
        if not isinstance(chunk, dict):
            self.garbage += 1
            if self.garbage == 1:
                log.warning("model entry %s sent an unreadable frame of %d bytes", self.entry.name, len(frame))
            if self.garbage >= MOST_GARBAGE:
                raise self.broken("sent a stream that cannot be read")
            return
        if chunk.get("error") and self.answer.finish_reason is None:
            log.warning("model entry %s: error in its stream: %s", self.entry.name, str(chunk["error"])[:300])
            raise self.broken("reported an error while answering")
        if text := self.answer.feed(chunk):
            self.publish(text)

    def broken(self, what: str, *, retryable: bool = True) -> ModelCallError:
        """The error for an answer that will not be complete: by whether a token had come."""
        message = f"The model {self.entry.name!r} {what}."
        if self.answer.tokens:
            return ModelInterrupted(message, retryable, self.entry, text=self.answer.text, usage=self.answer.usage)
        return ModelUnavailable(message, retryable, self.entry, usage=self.answer.usage)

    def _too_slow(self, total: bool) -> str:
        if total:
            return f"took longer than {self.entry.total_timeout:g} seconds"
        if self.answer.tokens:
            return f"stopped answering for {self.entry.between_tokens_timeout:g} seconds"
        return f"did not begin to answer within {self.entry.first_token_timeout:g} seconds"

    def finished(self, *, accept_cut: bool = False) -> ChatAnswer:
        answer, entry = self.answer, self.entry
        reason = answer.finish_reason
        if reason is None or reason == "error":
            # A stream that closes cleanly without a reason was cut, however whole it looks.
            raise self.broken("closed the connection before its answer was complete")
        cut_is_fine = accept_cut and reason == "length" and answer.text and not answer.tool_calls
        if reason in ("length", "content_filter") and not cut_is_fine:
            why = (
                "reached its limit of tokens" if reason == "length" else "was stopped by the provider's content filter"
            )
            raise ModelTruncated(
                f"The model {entry.name!r} {why} before its answer was complete.",
                entry,
                finish_reason=reason,
                text=answer.text,
                usage=answer.usage,
            )
        return ChatAnswer(
            text=answer.text,
            tool_calls=answer.tool_calls,
            usage=answer.usage,
            model=answer.model or entry.model,
            entry=entry,
            finish_reason=reason,
            response_id=answer.response_id,
        )


async def _frames(response: Response) -> AsyncIterator[list[bytes]]:
    """The events of a streamed answer as they come; an answer that is one JSON document is one event."""
    if "json" in response.headers.get("content-type", ""):
        parts: list[bytes] = []
        size = 0
        while part := await response.read():
            size += len(part)
            if size > LONGEST_PLAIN:
                raise FrameTooLong("the answer is too long")
            parts.append(part)
        yield [b"".join(parts)]
        return
    reader = FrameReader()
    while part := await response.read():
        yield reader.feed(part)
    yield reader.end()


async def _error_text(response: Response, entry: ModelEntry) -> str:
    """The first words of an error body, without the key."""
    received = b""
    while len(received) < 20_000 and (part := await response.read()):
        received += part
    said = received.decode("utf-8", "replace")
    try:
        document = json.loads(said)
        inner = document.get("error", document) if isinstance(document, dict) else document
        said = str(inner.get("message") or inner) if isinstance(inner, dict) else str(inner)
    except (ValueError, RecursionError):
        pass
    if entry.api_key:
        said = said.replace(entry.api_key, "…")
    return " ".join(said.split())[:300]


def _refusal(entry: ModelEntry, status: int, said: str) -> ModelCallError:
    who = f"The model {entry.name!r}"
    if status in (401, 403):
        return ModelUnavailable(f"{who} refused the API key ({status}).", False, entry)
    if status == 404:
        return ModelUnavailable(f"{who} was not found at its endpoint (404).", False, entry)
    if status == 402:
        return ModelUnavailable(f"{who} wants payment before it answers (402).", False, entry)
    if status == 429:
        return ModelUnavailable(f"{who} has too many requests at the moment (429).", True, entry)
    if status >= 500 or status in (408, 409, 425):
        return ModelUnavailable(f"{who} failed at its endpoint ({status}).", True, entry)
    if status >= 400:
        return ModelRejected(
            f"{who} rejected the request ({status}): {said.rstrip('.') or 'no reason given'}.", False, entry
        )
    return ModelUnavailable(f"{who} answered with an unexpected status ({status}).", False, entry)
