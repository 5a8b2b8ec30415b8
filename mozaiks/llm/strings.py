"""Texts for the string properties of a schema, chosen by the property's name, format, pattern and lengths.

One rule: the text fits ``minLength`` and ``maxLength`` first, and reads well second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from mozaiks.llm.patterns import matching

Words = Sequence[str]

SENTENCE_NAMES = (
    "summary",
    "descri",
    "text",
    "reason",
    "body",
    "content",
    "comment",
    "note",
    "explan",
    "message",
    "why",
)
TITLE_NAMES = ("title", "name", "label", "heading", "subject", "headline", "topic")
ID_NAMES = ("id", "key", "slug", "code")
SENTENCES = (
    "First look at {0} together with {1}.",
    "Then settle what {0} needs from {1}.",
    "Keep {0} and {1} in one place.",
    "Check {0} against {1} before going on.",
    "Write down who is answerable for {0} and {1}.",
)
FORMATS: dict[str, Callable[[Words, int], str]] = {
    "date": lambda words, turn: f"2026-01-{1 + turn % 28:02d}",
    "date-time": lambda words, turn: f"2026-01-{1 + turn % 28:02d}T09:00:00Z",
    "time": lambda words, turn: f"{8 + turn % 10:02d}:00:00Z",
    "duration": lambda words, turn: f"P{1 + turn % 9}D",
    "email": lambda words, turn: f"{_slug(words[0])}{turn}@example.org",
    "idn-email": lambda words, turn: f"{_slug(words[0])}{turn}@example.org",
    "hostname": lambda words, turn: f"{_slug(words[0])}{turn}.example.org",
    "uri": lambda words, turn: f"https://example.org/{_slug(words[0])}/{turn}",
    "uri-reference": lambda words, turn: f"/{_slug(words[0])}/{turn}",
    "iri": lambda words, turn: f"https://example.org/{_slug(words[0])}/{turn}",
    "url": lambda words, turn: f"https://example.org/{_slug(words[0])}/{turn}",
    "uuid": lambda words, turn: str(uuid5(NAMESPACE_URL, f"{words[0]}/{turn}")),
    "ipv4": lambda words, turn: f"192.0.2.{1 + turn % 250}",
    "ipv6": lambda words, turn: f"2001:db8::{1 + turn % 9000:x}",
    "regex": lambda words, turn: "^.*$",
    "json-pointer": lambda words, turn: f"/{_slug(words[0])}",
}

USUAL_FORMATS = ("email", "date", "date-time", "uuid", "uri")  # what patterns most often describe


def text_for(schema: dict[str, Any], name: str, words: Words, turn: int) -> str:
    """A text for the property ``name``; ``turn`` picks among the words. Raises ValueError when nothing fits."""
    own = [words[(turn + offset) % len(words)] for offset in range(min(4, len(words)))]
    own += own * 4
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    if most is not None and most < least:
        raise ValueError(f"{name!r} has lengths that exclude each other.")
    if isinstance(schema.get("pattern"), str):
        return _by_pattern(schema["pattern"], name, own, turn, least, most)
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]](own, turn)
    return _fitted(_by_name(name.casefold(), own, turn), own, least, most)


def _by_name(name: str, own: Words, turn: int) -> str:
    if any(part in name for part in SENTENCE_NAMES):
        return SENTENCES[turn % len(SENTENCES)].format(own[0], own[1])
    if "email" in name:
        return FORMATS["email"](own, turn)
    if name in ID_NAMES or name.endswith(("_id", "_key")):
        return f"{_slug(own[0])}-{turn}"
    if any(part in name for part in TITLE_NAMES):
        return f"{own[0][:1].upper()}{own[0][1:]} {own[1]}"
    if not name:
        return SENTENCES[turn % len(SENTENCES)].format(own[0], own[1])
    return f"{own[0]} {own[1]}"


def _fitted(text: str, own: Words, least: int, most: int | None) -> str:
    number = 0
    while len(text) < least:
        number += 1
        text += f" {own[number % len(own)]}"
    if most is not None and len(text) > most:
        cut = text[:most]
        spaced = cut.rsplit(" ", 1)[0].rstrip(" .,;")
        text = spaced if len(spaced) >= max(least, most // 2) else cut
        if len(text.strip()) >= least:
            text = text.strip()
    return text


def _by_pattern(pattern: str, name: str, own: Words, turn: int, least: int, most: int | None) -> str:
    usual = [_fitted(own[0], own, least, most), *(FORMATS[name](own, turn) for name in USUAL_FORMATS)]
    for text in (f"{_slug(own[0])}-{turn}", _slug(own[0]), own[0], *usual, *matching(pattern, turn, least)):
        try:
            fits = re.search(pattern, text) is not None
        except (re.error, RecursionError, OverflowError):
            raise ValueError(f"{name!r} has a pattern that is not understood.") from None
        if fits and least <= len(text) and (most is None or len(text) <= most):
            return text
    raise ValueError(f"{name!r} has a pattern for which no text was found.")


def _slug(word: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", word.casefold()) or "item"
