"""The server's database, read from outside with its own driver: what is said about a dead server comes from here."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

JSON_COLUMNS = {"payload", "answer", "state", "variables", "response"}
ID_COLUMNS = {"chat_id", "event_id", "epoch", "run_id", "message_id", "artifact_id", "user_id", "owner_id", "id"}


@dataclass(frozen=True)
class Database:
    """One database by its URL; each question opens and closes a connection, so that nothing is held."""

    url: str

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a SELECT; ``?`` marks values; ids come as lower-case UUID text and JSON as values."""
        if self.url.startswith("postgres"):
            import psycopg
            from psycopg.rows import dict_row

            with psycopg.connect(self.url, row_factory=dict_row) as connection:
                found = connection.execute(statement.replace("?", "%s"), values).fetchall()
            return [_readable(row) for row in found]
        connection_ = sqlite3.connect(f"file:/{urlsplit(self.url).path.lstrip('/')}?mode=ro", uri=True, timeout=20)
        try:
            connection_.row_factory = sqlite3.Row
            plain = [value.replace("-", "") if _is_id(value) else value for value in values]
            return [_readable(dict(row)) for row in connection_.execute(statement, plain)]
        finally:
            connection_.close()

    def end_all_runs(self) -> None:
        """Take what a broken server left out of the way of the next test; nothing else writes here."""
        statement = "UPDATE workflows_app_run SET status = 'cancelled' WHERE finished_at IS NULL"
        if self.url.startswith("postgres"):
            import psycopg

            with psycopg.connect(self.url) as connection:
                connection.execute(statement)
            return
        connection_ = sqlite3.connect(f"/{urlsplit(self.url).path.lstrip('/')}", timeout=20)
        try:
            connection_.execute(statement)
            connection_.commit()
        finally:
            connection_.close()


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 36 and value.count("-") == 4


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    for name, value in row.items():
        if name in ID_COLUMNS and value is not None and not isinstance(value, int):
            row[name] = str(value if isinstance(value, UUID) else UUID(value))
        elif name in JSON_COLUMNS and isinstance(value, str):
            row[name] = json.loads(value)
    return row
