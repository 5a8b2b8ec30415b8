"""The chained digest of a chat's log: equal digests mean equal logs (PROTOCOL section 5)."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import UUID


def first_digest(epoch: UUID | str) -> str:
    """``d(0) = sha256(epoch)``, hex."""
    return hashlib.sha256(str(epoch).lower().encode()).hexdigest()


def next_digest(previous: str, event_id: UUID | str) -> str:
    """``d(n) = sha256(d(n-1) + event_id)``, hex."""
    return hashlib.sha256((previous + str(event_id).lower()).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same value gives the same text everywhere."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Any) -> str:
    """SHA-256, hex, of the canonical JSON (B59)."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
