"""Every refusal a client can get, with its code (PROTOCOL section 7); anything else that goes wrong is ``INTERNAL``."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """An expected failure: one full sentence for the user, a code for the program, nothing written."""

    code = "INTERNAL"
    status = 400
    retryable = False

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        """The ``error`` object of an answer."""
        return {"code": self.code, "message": self.message, "retryable": self.retryable, **self.details}


class SchemaInvalid(Refused):
    """The frame or body is not what the protocol says; the message names the field."""

    code = "SCHEMA_VALIDATION_FAILED"


class UnknownCommand(Refused):
    """There is no command of that type."""

    code = "UNKNOWN_COMMAND"


class HelloRequired(Refused):
    """The first frame must be ``session.hello``."""

    code = "HELLO_REQUIRED"


class IdReused(Refused):
    """The same command id came with another body (law 4)."""

    code = "ID_REUSED"
    status = 409


class NotFound(Refused):
    """Missing, deleted and somebody else's look the same (law 11)."""

    code = "NOT_FOUND"
    status = 404


class Forbidden(Refused):
    """The user may read this but not do it, or the password is wrong."""

    code = "FORBIDDEN"
    status = 403


class Conflict(Refused):
    """What is asked does not fit the present state; the message says why."""

    code = "CONFLICT"
    status = 409


class ChatBusy(Refused):
    """A run is at work on the chat and the message asked not to wait."""

    code = "CHAT_BUSY"
    status = 409
    retryable = True


class ChatClosed(Refused):
    """The chat is completed or failed."""

    code = "CHAT_CLOSED"
    status = 409


class InputAlreadyResolved(Refused):
    """The question was cancelled; nothing waits for its answer."""

    code = "INPUT_ALREADY_RESOLVED"
    status = 409


class InputExpired(Refused):
    """The question's time is over."""

    code = "INPUT_EXPIRED"
    status = 409


class WorkflowNotFound(Refused):
    """No workflow has that name."""

    code = "WORKFLOW_NOT_FOUND"
    status = 404


class PrerequisitesNotMet(Refused):
    """A workflow's guard refused; says which prerequisite is missing and what to do (A34)."""

    code = "WORKFLOW_PREREQS_NOT_MET"
    status = 409


class BudgetExceeded(Refused):
    """The user's tokens of today are used up; the message says what to do."""

    code = "BUDGET_EXCEEDED"
    status = 402


class RateLimited(Refused):
    """Too many commands, tries, followed chats or unfinished runs; wait and send it again."""

    code = "RATE_LIMITED"
    status = 429
    retryable = True


class TooLarge(Refused):
    """The frame or body has more bytes than the limit."""

    code = "TOO_LARGE"
    status = 413


class ModelUnavailable(Refused):
    """No entry of the model list answered."""

    code = "MODEL_UNAVAILABLE"
    status = 503
    retryable = True


class Unavailable(Refused):
    """Something the server needs is down; the same command may be sent again."""

    code = "UNAVAILABLE"
    status = 503
    retryable = True


class Internal(Refused):
    """Something went wrong on the server; the message holds a reference to find it in the log."""

    code = "INTERNAL"
    status = 500
    retryable = True


CODES: dict[str, type[Refused]] = {cls.code: cls for cls in Refused.__subclasses__()}
