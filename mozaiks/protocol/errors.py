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
    code = "UNKNOWN_COMMAND"


class HelloRequired(Refused):
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
    code = "FORBIDDEN"
    status = 403


class Conflict(Refused):
    code = "CONFLICT"
    status = 409


class ChatBusy(Refused):
    code = "CHAT_BUSY"
    status = 409
    retryable = True


class ChatClosed(Refused):
    """The chat is completed or failed."""

    code = "CHAT_CLOSED"
    status = 409


class InputAlreadyResolved(Refused):
    code = "INPUT_ALREADY_RESOLVED"
    status = 409


class InputExpired(Refused):
    code = "INPUT_EXPIRED"
    status = 409


class WorkflowNotFound(Refused):
    code = "WORKFLOW_NOT_FOUND"
    status = 404


class PrerequisitesNotMet(Refused):
    """A workflow's guard refused; says which prerequisite is missing and what to do (A34)."""

    code = "WORKFLOW_PREREQS_NOT_MET"
    status = 409


class BudgetExceeded(Refused):
    code = "BUDGET_EXCEEDED"
    status = 402


class RateLimited(Refused):
    code = "RATE_LIMITED"
    status = 429
    retryable = True


class TooLarge(Refused):
    code = "TOO_LARGE"
    status = 413


class ModelUnavailable(Refused):
    code = "MODEL_UNAVAILABLE"
    status = 503
    retryable = True


class Unavailable(Refused):
    """Something the server needs is down; the same command may be sent again."""

    code = "UNAVAILABLE"
    status = 503
    retryable = True


class Internal(Refused):
    code = "INTERNAL"
    status = 500
    retryable = True


CODES: dict[str, type[Refused]] = {cls.code: cls for cls in Refused.__subclasses__()}
