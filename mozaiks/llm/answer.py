"""An answer put together from the chunks of a stream, pure and tolerant of what real servers send.

One rule: a chunk can be odd, but an answer is complete only when the server said why it finished.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from mozaiks.llm.chat import ToolCall, Usage


class AnswerTooLong(ValueError):
    """The answer passed the entry's limit of characters."""


@dataclass
class _Call:
    """A tool call that is still coming."""

    id: str
    name: str
    arguments: list[str]


class AnswerBuilder:
    """Collects the chunks of choice 0; ``tokens`` counts the chunks that brought something."""

    def __init__(self, max_chars: int) -> None:
        self.max_chars = max_chars
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.model: str | None = None
        self.response_id: str | None = None
        self.tokens = 0
        self._text: list[str] = []
        self._chars = 0
        self._half = ""  # the first half of a character that a server cut in two
        self._calls: list[_Call] = []
        self._slots: dict[int, _Call] = {}

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(
            ToolCall(id=call.id or f"call_{uuid4().hex}", name=call.name, arguments=whole("".join(call.arguments)))
            for call in self._calls
        )

    def feed(self, chunk: dict[str, Any]) -> str:
        """Take one chunk in; return the text it adds ("" for none). Raises AnswerTooLong."""
        if self.response_id is None and isinstance(chunk.get("id"), str):
            self.response_id = chunk["id"][:200] or None
        if self.model is None and isinstance(chunk.get("model"), str):
            self.model = chunk["model"][:200] or None
        if (usage := read_usage(chunk.get("usage"))) is not None:
            self.usage = usage
        choices = chunk.get("choices")
        if not isinstance(choices, list) or self.finish_reason is not None:
            return ""  # a chunk sent again after the end adds nothing
        added = ""
        for choice in choices:
            if isinstance(choice, dict) and choice.get("index", 0) in (0, None):
                added += self._choice(choice)
        return added

    def _choice(self, choice: dict[str, Any]) -> str:
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = choice.get("message")  # servers that do not stream answer with a message
        added = ""
        if isinstance(delta, dict):
            content = delta.get("content")
            if isinstance(content, str) and content:
                self.tokens += 1
                added = self._say(content)
            if isinstance(delta.get("tool_calls"), list):
                for fragment in delta["tool_calls"]:
                    if isinstance(fragment, dict):
                        self._call(fragment)
            if any(
                isinstance(delta.get(key), str) and delta[key] for key in ("reasoning_content", "reasoning", "refusal")
            ):
                self.tokens += 1  # a sign of life, not part of the answer
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self.finish_reason = reason[:50]
            if self._half:
                self._half = ""
                self._text.append("\ufffd")
                added += "\ufffd"
        return added

    def _say(self, content: str) -> str:
        self._count(len(content))
        if self._half or not content.isascii():
            content = self._half + content
            self._half = content[-1] if "\ud800" <= content[-1] <= "\udbff" else ""
            content = whole(content[:-1] if self._half else content)
        self._text.append(content)
        return content

    def _call(self, fragment: dict[str, Any]) -> None:
        function = fragment.get("function")
        function = function if isinstance(function, dict) else {}
        given_id, name, arguments = fragment.get("id"), function.get("name"), function.get("arguments")
        if isinstance(arguments, dict):
            import json

            arguments = json.dumps(arguments, ensure_ascii=False)
        index = fragment.get("index")
        index = index if isinstance(index, int) else (len(self._calls) if given_id else max(len(self._calls) - 1, 0))
        call = self._slots.get(index)
        # Some servers give every call index 0: another id with a name is another call.
        if call is None or (isinstance(given_id, str) and given_id and call.id and given_id != call.id and name):
            call = _Call(id="", name="", arguments=[])
            self._slots[index] = call
            self._calls.append(call)
        if isinstance(given_id, str) and given_id and not call.id:
            call.id = given_id[:200]
        if isinstance(name, str) and name and not call.name:
            call.name = name[:200]
        if isinstance(arguments, str) and arguments:
            self._count(len(arguments))
            call.arguments.append(arguments)
        self.tokens += 1

    def _count(self, chars: int) -> None:
        self._chars += chars
        if self._chars > self.max_chars:
            raise AnswerTooLong(f"more than {self.max_chars} characters")


def whole(text: str) -> str:
    """The text with surrogate pairs joined and lone halves replaced, so that it can be stored as UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def read_usage(raw: Any) -> Usage | None:
    """The tokens a server reported, None when it did not (a pair of zeros is a placeholder, not a count)."""
    if not isinstance(raw, dict):
        return None
    counts = [raw.get("prompt_tokens"), raw.get("completion_tokens")]
    if any(isinstance(count, bool) or not isinstance(count, int) or count < 0 for count in counts) or not any(counts):
        return None
    return Usage(prompt_tokens=counts[0] or 0, completion_tokens=counts[1] or 0)
