"""The offline model: built in, deterministic, needs nothing, and says what it is.

One rule: the same conversation gives the same answer, in the words of the conversation, streamed and stoppable like
any model's.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, is_dataclass
from hashlib import sha256
from typing import Any
from uuid import uuid4

from mozaiks.llm.answer import whole
from mozaiks.llm.chat import ChatAnswer, ChatRequest, ToolCall, Usage
from mozaiks.llm.entries import ModelEntry
from mozaiks.llm.errors import ModelCallError
from mozaiks.llm.example import Unsatisfiable, example
from mozaiks.llm.words import count_tokens, keywords, pieces

RATE_VARIABLE = "MOZAIKS_OFFLINE_TOKENS_PER_SECOND"
DEFAULT_RATE = 40.0


@dataclass
class Facts:
    """What a run has committed so far, as the caller knows it. ``outputs`` by agent, ``answers`` by ask,
    ``artifacts`` by type: {"artifact_id", "version", "state"}."""

    message: str = ""
    first_message: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Conversation(Facts):
    """What a responder sees: the facts, the messages as sent, the schema the answer must fit (None: free text) and
    the results of the tools called since the last user message ({"tool_call_id", "name", "content"})."""

    agent: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    schema: dict[str, Any] | None = None
    tool_results: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class OfflineCall:
    """What the offline model may use besides the messages. ``respond`` is an author's pure function; it may return a
    text, a dict, a list, a pydantic model, a ToolCall, a list of ToolCall, or None to leave the answer to the model."""

    agent: str = "assistant"
    respond: Callable[[Conversation], Any] | None = None
    facts: Facts = field(default_factory=Facts)


async def answer_offline(entry: ModelEntry, request: ChatRequest, publish: Callable[[str], None]) -> ChatAnswer:
    """Answer without any server. Raises ModelCallError when a responder fails or the schema cannot be met."""
    conversation = conversation_of(request)
    respond = request.offline.respond if request.offline else None
    try:
        said = respond(conversation) if respond else None
    except Exception as error:  # an author's function: whatever it raises is this call's failure
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ModelCallError(f"The offline answer of {conversation.agent!r} failed: {reason}.", False, entry) from error
    try:
        text, calls = ("", _tool_calls(said)) if _is_tool_calls(said) else (_as_text(said, conversation), ())
    except (Unsatisfiable, TypeError, ValueError, RecursionError) as error:
        raise ModelCallError(
            f"The offline model cannot give {conversation.agent!r} an answer of that shape: {error}", False, entry
        ) from error
    text = whole(text)
    await _stream(pieces(text), publish)
    prompt = _prompt_tokens(request)
    completion = count_tokens(text) + sum(count_tokens(call.name + call.arguments) for call in calls)
    digest = sha256(json.dumps(request.messages, sort_keys=True, default=str).encode("utf-8", "replace")).hexdigest()
    return ChatAnswer(
        text=text,
        tool_calls=calls,
        usage=Usage(prompt_tokens=prompt, completion_tokens=completion),
        model=entry.model,
        entry=entry,
        finish_reason="tool_calls" if calls else "stop",
        response_id=f"offline-{digest[:16]}",
    )


def conversation_of(request: ChatRequest) -> Conversation:
    """The conversation as a responder sees it; what the caller's facts leave empty comes from the messages."""
    call = request.offline or OfflineCall()
    facts = call.facts
    asked = [text for message in request.messages if message.get("role") == "user" and (text := text_of(message))]
    return Conversation(
        agent=call.agent,
        messages=request.messages,
        message=facts.message or (asked[-1] if asked else ""),
        first_message=facts.first_message or (asked[0] if asked else ""),
        outputs=facts.outputs,
        answers=facts.answers,
        variables=facts.variables,
        artifacts=facts.artifacts,
        schema=request.schema,
        tool_results=_tool_results(request.messages),
    )


def text_of(message: dict[str, Any]) -> str:
    """The text of a chat message, whose content is a text or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _tool_results(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    names: dict[str, str] = {}
    results: list[dict[str, Any]] = []
    for message in messages:
        match message.get("role"):
            case "user":
                results = []
            case "assistant":
                for call in message.get("tool_calls") or []:
                    names[call.get("id", "")] = (call.get("function") or {}).get("name", "")
            case "tool":
                call_id = message.get("tool_call_id", "")
                content: Any = text_of(message)
                with suppress(ValueError, RecursionError):
                    content = json.loads(content)
                results.append({"tool_call_id": call_id, "name": names.get(call_id, ""), "content": content})
    return results


def _is_tool_calls(said: Any) -> bool:
    return isinstance(said, ToolCall) or (
        isinstance(said, (list, tuple)) and bool(said) and all(isinstance(one, ToolCall) for one in said)
    )


def _tool_calls(said: Any) -> tuple[ToolCall, ...]:
    calls = (said,) if isinstance(said, ToolCall) else tuple(said)
    return tuple(call if call.id else ToolCall(f"call_{uuid4().hex}", call.name, call.arguments) for call in calls)


def _as_text(said: Any, conversation: Conversation) -> str:
    if said is None:
        if conversation.schema is None:
            return _free_text(conversation)
        said = example(conversation.schema, _texts(conversation))
    if isinstance(said, str) and conversation.schema is None:
        return said
    if isinstance(said, str) and _is_json_object(said):
        return said
    return json.dumps(_plain(said), ensure_ascii=False, allow_nan=False)


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _plain(value: Any) -> Any:
    """The value as JSON knows it; a pydantic model or dataclass as its fields. Raises TypeError for what is neither."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _texts(conversation: Conversation) -> list[str]:
    others = [text_of(message) for message in conversation.messages if message.get("role") == "user"]
    return [conversation.message, conversation.first_message, *reversed(others)]


def _free_text(conversation: Conversation) -> str:
    who = "I am the offline model: I answer by fixed rules and know only this conversation."
    if conversation.tool_results:
        told = "; ".join(
            f"{result['name'] or 'a tool'} answered {_short(result['content'])}" for result in conversation.tool_results
        )
        return f"Here is what came back: {told}. {who}"
    words = keywords([conversation.message], most=4)
    if not words:
        return f"{who} Tell me in a few words what you would like to do."
    about = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return (
        f"You wrote about {about}. {who} A good next step is to start a workflow that fits {words[0]}, "
        "or to connect a language model, which answers in depth."
    )


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:299] + "…"


def _prompt_tokens(request: ChatRequest) -> int:
    texts = [text_of(message) for message in request.messages]
    if request.tools:
        texts.append(json.dumps(request.tools, default=str))
    return max(1, sum(count_tokens(text) for text in texts))


def _rate() -> float:
    try:
        rate = float(os.environ.get(RATE_VARIABLE, "") or DEFAULT_RATE)
    except ValueError:
        return DEFAULT_RATE
    return rate if 0 <= rate < float("inf") else DEFAULT_RATE


async def _stream(parts: list[str], publish: Callable[[str], None]) -> None:
    """Publish the parts at the rate of a quick model; 0 tokens a second means all at once."""
    rate = _rate()
    loop = asyncio.get_running_loop()
    started = loop.time()
    for number, part in enumerate(parts):
        if rate:
            await asyncio.sleep(max(0.0, started + number / rate - loop.time()))
        elif number % 50 == 0:
            await asyncio.sleep(0)  # a cancellation gets in
        publish(part)
