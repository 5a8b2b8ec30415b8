"""Who asks: the one argument that every selector and service takes (law 11)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Principal:
    """A signed-in user in one app. It comes from the connection, never from a body or a path."""

    app_id: UUID
    app_slug: str
    user_id: UUID
    username: str
    role: str
    is_staff: bool = False

    @property
    def can_write(self) -> bool:
        return self.role != "viewer"
