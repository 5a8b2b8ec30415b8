"""The money asked for: from the form, changed by what a message says.

Rule: pure and total; anything odd falls back to the form's defaults.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

_AMOUNT = r"(?:[$€£]\s?)?(\d[\d.,' ]*\d|\d)\s?(k|thousand|m|million|mio)?\b"


@dataclass(frozen=True)
class Terms:
    """Money in ``currency``; ``team_cost`` is for a month."""

    raise_amount: float = 150_000.0
    runway_months: int = 12
    team_cost: float = 9_000.0
    currency: str = "EUR"
    assumed: tuple[str, ...] = ()


def terms_of(answer: Any) -> Terms:
    """Terms from the form's answer; what is missing or odd is assumed and named."""
    given = answer if isinstance(answer, Mapping) else {}
    start = Terms()
    amount, cost = _number(given.get("raise_amount"), 1e12), _number(given.get("team_cost"), 1e10)
    months = _number(given.get("runway_months"), 60)
    assumed = [name for name, value in (("raise", amount), ("months", months), ("team cost", cost)) if value is None]
    currency = re.sub(r"[^A-Z]", "", str(given.get("currency") or "").upper())[:3]
    return Terms(
        raise_amount=start.raise_amount if amount is None else amount,
        runway_months=start.runway_months if months is None else max(1, round(months)),
        team_cost=start.team_cost if cost is None else cost,
        currency=currency if len(currency) == 3 else start.currency,
        assumed=tuple(assumed),
    )


def with_words(terms: Terms, text: str) -> Terms:
    """``terms`` as a message changes them: `what if we raise 300k`, `team cost 12,000`, `18 months`."""
    low = " ".join(text[:2000].lower().split())
    if hit := re.search(rf"\b(?:raise|raising|ask(?:ing)? for|get|invest(?:ment of)?)\b[^\d]{{0,20}}{_AMOUNT}", low):
        terms = replace(terms, raise_amount=min(_money(hit), 1e12))
    if hit := re.search(rf"\b(?:team|people|staff|salar(?:y|ies)|burn|costs?)\b[^\d]{{0,30}}{_AMOUNT}", low):
        terms = replace(terms, team_cost=min(_money(hit), 1e10))
    if hit := re.search(r"\b(\d{1,2})\s*-?\s*months?\b", low):
        terms = replace(terms, runway_months=min(max(int(hit[1]), 1), 60))
    return terms


def _money(hit: re.Match[str]) -> float:
    digits = re.sub(r"[' ]", "", hit[1]).strip(".,")
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", digits):
        digits = re.sub(r"[.,]", "", digits)
    digits = re.sub(r"[.,](?=.*[.,])", "", digits).replace(",", ".")
    scale = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "mio": 1e6}.get(hit[2] or "", 1.0)
    return float(digits) * scale


def _number(value: Any, most: float) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most
    return float(value) if good else None
