"""What can go wrong with a model call, as types that say what a caller may do next.

One rule: a message is a full sentence that a user may read; it never holds a key, an address or a stack trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mozaiks.llm.chat import Usage
    from mozaiks.llm.entries import ModelEntry


class ModelConfigError(ValueError):
    """A setting of the model list is wrong; the sentence names the variable."""


class ModelCallError(Exception):
    """A model call that gave no usable answer.

    ``retryable`` says whether the same call may succeed later. ``entry`` is the entry that failed (None: none was
    tried). ``usage`` is what the server reported for the failed call, None when it reported nothing.
    """

    def __init__(
        self,
        message: str,
        retryable: bool = False,
        entry: ModelEntry | None = None,
        *,
        text: str = "",
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable
        self.entry = entry
        self.text = text
        self.usage = usage


class ModelUnavailable(ModelCallError):
    """No token came: not reachable, refused (401, 404, 429, 5xx), or too slow. Raised when every entry failed so."""


class ModelInterrupted(ModelCallError):
    """The answer broke off after a token; ``text`` is what had come."""


class ModelTruncated(ModelCallError):
    """The model stopped short (``finish_reason`` is ``length`` or ``content_filter``); ``text`` is what had come."""

    def __init__(
        self, message: str, entry: ModelEntry | None = None, *, finish_reason: str, text: str, usage: Usage | None
    ) -> None:
        super().__init__(message, False, entry, text=text, usage=usage)
        self.finish_reason = finish_reason


class ModelRejected(ModelCallError):
    """The endpoint refused the request itself (400 and the like): no other entry is asked, a retry is useless."""
