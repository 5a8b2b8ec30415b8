"""One try at an OpenAI-compatible endpoint, streamed.

One rule: every wait has an end (connect, first token, between tokens, total), and leaving for any reason, a
cancellation included, closes the HTTP stream, so that the server stops working on it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx2
from openai import APIConnectionError, APIError, APIStatusError, AsyncAPIResponse, AsyncOpenAI, AsyncStream

from mozaiks.llm.answer import AnswerBuilder, AnswerTooLong
from mozaiks.llm.chat import ChatAnswer, ChatRequest
from mozaiks.llm.connections import event_came, shared, was_stale
from mozaiks.llm.entries import ModelEntry
from mozaiks.llm.errors import ModelCallError, ModelInterrupted, ModelRejected, ModelTruncated, ModelUnavailable
from mozaiks.protocol.text import clean_json

log = logging.getLogger(__name__)

GRACE_AFTER_FINISH = 5.0  # seconds a server gets for its usage after it said why it finished


class _Unreadable(ValueError):
    """What came is no JSON, or no chunk of an answer."""


async def call_endpoint(entry: ModelEntry, request: ChatRequest, publish: Callable[[str], None]) -> ChatAnswer:
    """Ask ``entry`` once; ``publish`` gets each piece of text as it comes. Raises a ModelCallError of the entry."""
    if not entry.base_url:
        raise ModelUnavailable(f"The model {entry.name!r} has not been started.", True, entry)
    attempt = _Attempt(entry, AnswerBuilder(entry.max_answer_chars), publish)
    try:
        await attempt.run(request)
    except APIStatusError as error:
        said = _clipped(_told(error), entry)
        log.warning("model entry %s answered %s: %s", entry.name, error.status_code, said)
        raise _refusal(entry, error.status_code, said) from None
    except AnswerTooLong as error:
        text = attempt.answer.text
        raise ModelInterrupted(
            f"The model {entry.name!r} was stopped: its answer has {error}.", False, entry, text=text
        ) from error
    except (APIError, httpx2.HTTPError, httpx2.InvalidURL, ssl.SSLError, _Unreadable) as error:
        what, cause = _failure(error)
        log.warning("model entry %s %s: %s: %s", entry.name, what, type(cause).__name__, _clipped(str(cause), entry))
        if attempt.answer.finish_reason is None:
            raise attempt.broken(what) from None  # what an endpoint says can quote the key
    return attempt.finished(accept_cut=request.accept_cut and request.response_format is None)


def request_body(entry: ModelEntry, request: ChatRequest) -> dict[str, Any]:
    """The JSON body of the call, as text that can be sent; fields that are None are left out."""
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
    return {name: clean_json(value) for name, value in body.items() if value is not None}


@dataclass
class _Attempt:
    """One HTTP exchange and what has come of it."""

    entry: ModelEntry
    answer: AnswerBuilder
    publish: Callable[[str], None]

    async def run(self, request: ChatRequest) -> None:
        client = (await shared()).client(self.entry.base_url or "", self.entry.api_key)
        loop = asyncio.get_running_loop()
        started = loop.time()
        total = started + self.entry.total_timeout
        between = self.entry.between_tokens_timeout
        limit = asyncio.timeout_at(min(total, started + self.entry.first_token_timeout))
        seen = 0
        try:
            async with limit, AsyncExitStack() as stack:
                response = await self._open(client, request, stack)
                async for chunk in _chunks(response):  # to the body's end, so that the connection can be kept
                    if text := self.answer.feed(chunk):
                        self.publish(text)
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

    async def _open(self, client: AsyncOpenAI, request: ChatRequest, stack: AsyncExitStack) -> AsyncAPIResponse[Any]:
        """Send the request and wait for the head of its answer, whose body is closed with ``stack``."""
        body = request_body(self.entry, request)
        while True:
            call = client.chat.completions.with_streaming_response.create(
                model=self.entry.model,
                messages=[],
                stream=True,
                extra_body=body,  # takes precedence; the SDK walks through given messages by their types, 0.1 ms each
                timeout=httpx2.Timeout(None, connect=self.entry.connect_timeout),
            )
            try:
                return await stack.enter_async_context(call)
            except APIConnectionError as error:
                if not was_stale(error.request, error.__cause__):
                    raise

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


async def _chunks(response: AsyncAPIResponse[Any]) -> AsyncIterator[dict[str, Any]]:
    """The chunks of an answer as they come; an answer that is one JSON document is one chunk.

    They are plain objects: the SDK's classes would cost 80 µs per token and hold what a server sends in any case.
    """
    try:
        if "json" in response.headers.get("content-type", ""):
            document = _chunk(json.loads(await response.read()))
            if document.get("error"):
                raise APIError(str(document["error"]), response.http_request, body=None)
            yield document
            return
        async for chunk in await response.parse(to=AsyncStream[object]):
            event_came(response.http_response)
            yield _chunk(chunk)
    except (ValueError, RecursionError) as error:
        raise _Unreadable(str(error)) from error


def _chunk(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise _Unreadable(f"a chunk that is no object but a {type(raw).__name__}")
    return raw


def _failure(error: Exception) -> tuple[str, BaseException]:
    """What went wrong, in words that tell no address, and the error to log."""
    if isinstance(error, _Unreadable):
        return "sent a stream that cannot be read", error
    if isinstance(error, APIError) and not isinstance(error, APIConnectionError):
        return "reported an error while answering", error
    cause = error.__cause__ if isinstance(error, APIConnectionError) and error.__cause__ else error
    unreached = (
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.ProxyError,
        httpx2.UnsupportedProtocol,
        httpx2.InvalidURL,
    )
    return "could not be reached" if isinstance(cause, unreached) else "lost the connection", cause


def _told(error: APIStatusError) -> str:
    """What the body of an error says."""
    body = error.body
    return str((body.get("message") or body) if isinstance(body, dict) else body or "")


def _clipped(said: str, entry: ModelEntry) -> str:
    """The first words of it, without the key."""
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
