"""The one way to call a model: the first entry that answers, streamed (A53, A56).

One rule: another entry is asked only while nothing was published, and never when the request itself was refused.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from mozaiks.llm.chat import CallObserver, ChatAnswer, ChatRequest, ToolCall, Usage
from mozaiks.llm.entries import ModelEntry, ModelList
from mozaiks.llm.errors import ModelCallError, ModelInterrupted, ModelUnavailable
from mozaiks.llm.offline import answer_offline

__all__ = ["CallObserver", "ChatAnswer", "ChatRequest", "ToolCall", "Usage", "close", "stream_chat"]


async def stream_chat(
    request: ChatRequest, *, models: ModelList, on_delta: Callable[[str], None], observer: CallObserver
) -> ChatAnswer:
    """Ask the entries in order until one answers; ``on_delta`` gets its text as it comes.

    ``observer.opening`` is awaited before every try and ``observer.failed`` after each that failed.
    Raises ModelUnavailable (none answered), ModelInterrupted, ModelTruncated or ModelRejected.
    """
    failures: list[ModelCallError] = []
    published = False

    def publish(text: str) -> None:
        nonlocal published
        published = True
        on_delta(text)

    for entry in models.order(request.entry):
        await observer.opening(entry)
        try:
            return await _try(entry, request, publish)
        except ModelCallError as error:
            await observer.failed(entry, error)
            if published or not isinstance(error, (ModelUnavailable, ModelInterrupted)):
                raise
            failures.append(error)
    raise _all_failed(failures)


async def close() -> None:
    """Close the running loop's HTTP connections, if a model was called over HTTP at all."""
    if "mozaiks.llm.connections" in sys.modules:
        from mozaiks.llm import connections

        await connections.close()


async def _try(entry: ModelEntry, request: ChatRequest, publish: Callable[[str], None]) -> ChatAnswer:
    if entry.kind == "offline":
        return await answer_offline(entry, request, publish)
    from mozaiks.llm.endpoint import call_endpoint  # half a second at its first import

    return await call_endpoint(entry, request, publish)


def _all_failed(failures: list[ModelCallError]) -> ModelCallError:
    if not failures:
        return ModelUnavailable("No model is configured.")
    if len(failures) == 1:
        return failures[0]
    told = " ".join(error.message for error in failures)
    retryable = any(error.retryable for error in failures)
    summary = ModelUnavailable(f"No model answered. {told}", retryable, failures[-1].entry)
    summary.__cause__ = failures[-1]
    return summary
