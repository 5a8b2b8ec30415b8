"""REST as a client uses it: a bearer token, JSON in and out, and every answer checked against its documented shape."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client as DjangoClient
from pydantic import BaseModel


class Rest:
    """Requests of one user, or of nobody."""

    def __init__(self, token: str | None = None) -> None:
        self._client = DjangoClient(headers={"Authorization": f"Bearer {token}"} if token else {})

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The response; ``path`` begins after ``/api/``."""
        data: dict[str, Any] = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self._client.generic(method, f"/api/{path}", **data)

    def get(self, path: str, shape: type[BaseModel] | None = None, *, status: int = 200) -> Any:
        """The JSON answer, of that status and shape."""
        return self._checked(self.call("GET", path), shape, status)

    def post(self, path: str, body: Any = None, shape: type[BaseModel] | None = None, *, status: int = 200) -> Any:
        return self._checked(self.call("POST", path, body), shape, status)

    def refused(self, method: str, path: str, body: Any = None, *, status: int) -> dict[str, Any]:
        """The error object of a refusal: a code and a full sentence."""
        error: dict[str, Any] = self._checked(self.call(method, path, body), None, status)["error"]
        assert error["message"].endswith("."), error
        return error

    def _checked(self, response: Any, shape: type[BaseModel] | None, status: int) -> Any:
        assert response.status_code == status, (response.status_code, response.content)
        if shape is not None:
            shape.model_validate_json(response.content)
        return response.json()
