"""Sums over the ledger in groups, for operators: by day (UTC), by workflow, by model (A50, A51)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from .models import ModelCall


@dataclass(frozen=True)
class Row:
    """The sums of one group; ``cost`` is null where no call has a known price."""

    name: str
    calls: int
    unknown_calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: Any

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


def list_tables(calls: QuerySet[ModelCall]) -> list[tuple[str, list[Row]]]:
    """Three tables over the closed rows among ``calls``; each sums to the same totals."""
    closed = calls.exclude(status=ModelCall.Status.OPEN).order_by()
    return [
        ("Day", _rows(closed.annotate(group=TruncDate("opened_at")), newest_first=True)),
        ("Workflow", _rows(closed.annotate(group=F("workflow_name")))),
        ("Model", _rows(closed.annotate(group=F("model")))),
    ]


def _rows(calls: Any, *, newest_first: bool = False) -> list[Row]:
    sums = calls.values("group").annotate(
        count=Count("pk"),
        unknown=Count("pk", filter=Q(prompt_tokens=None)),
        prompt=Sum("prompt_tokens"),
        completion=Sum("completion_tokens"),
        price=Sum("cost"),
    )
    return [
        Row(
            name=str(row["group"]) or "Ask Mozaiks",
            calls=row["count"],
            unknown_calls=row["unknown"],
            prompt_tokens=row["prompt"] or 0,
            completion_tokens=row["completion"] or 0,
            cost=row["price"],
        )
        for row in sums.order_by("-group" if newest_first else "group")
    ]
