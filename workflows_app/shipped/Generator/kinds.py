"""What kind of work a brief is, and what is known of that kind, its usual parts and its people.

Rule: knowledge is in the YAML files beside this module; here it is only looked up.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .brief import Brief
from .words import stem, stems

Json = dict[str, Any]


HERE = Path(__file__).parent


@cache
def playbooks() -> Mapping[str, Json]:
    """The playbooks by kind, `general` last."""
    found = {path.stem: _yaml(path) for path in sorted((HERE / "playbooks").glob("*.yaml"))}
    return {**{kind: book for kind, book in found.items() if kind != "general"}, "general": found["general"]}


@cache
def topics() -> list[Json]:
    return list(_yaml(HERE / "topics.yaml"))


@cache
def _audiences() -> list[Json]:
    return list(_yaml(HERE / "audiences.yaml"))


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def kind_of(brief: Brief) -> str:
    """The kind of work, by the playbooks' signs: the subject counts most, then the verb, then the rest."""
    weights: dict[str, float] = {}
    tail = head_of(brief.subject).split(" ")[-1:]
    for text, weight in (
        (" ".join(tail), 2.0),
        (brief.subject, 3.0),
        (brief.verb, 2.0),
        (brief.phrase, 1.0),
        (brief.text, 0.5),
    ):
        for word in set(_sign_words(text)):
            weights[word] = weights.get(word, 0) + weight
    scores = {kind: sum(weights.get(sign, 0) for sign in _signs(kind)) for kind in playbooks()}
    best = max(scores, key=lambda kind: scores[kind])
    return best if scores[best] >= 1 else "general"


def head_of(subject: str) -> str:
    """The part of a subject that names the thing: `survey` in `survey of commuter cycling habits`."""
    return re.split(r"\s(?:of|about|on|into|for|and|between)\s", subject)[0]


@cache
def _signs(kind: str) -> frozenset[str]:
    return frozenset(stem(word) for word in playbooks()[kind]["signs"].split())


def _sign_words(text: str) -> list[str]:
    whole = text.lower().replace("'s", "").split()
    words = [word.strip(".,;:!?()\"'") for word in whole]
    parts = [part for word in words if "-" in word for part in word.split("-")]
    latin = [
        "".join(c if c.isascii() and c.isalpha() else " " for c in word).split() for word in words if not word.isascii()
    ]
    return [stem(word) for word in [*words, *parts, *(w for run in latin for w in run)] if word]


def audience_group(brief: Brief, names: Mapping[str, str], book: Json) -> Json:
    """What is known of those it is for; the subject tells it (`family trip`) only where no audience is named."""
    texts = [names["audience"]] if brief.audience or book.get("own_audience") else [brief.subject, names["audience"]]
    for words in map(stems, texts):
        for group in _audiences():
            if any(stem(word) in words for word in group["match"]):
                return group
    return {}
