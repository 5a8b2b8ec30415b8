"""The steps at the heart of a plan: from the user's must-haves, a model's ideas, or what the subject usually needs.

Rule: never two alike, and a model's step counts only when it says something about this brief.
"""

from collections.abc import Mapping
from typing import Any

from .brief import Brief
from .kinds import topics
from .names import clean_text, fill
from .phrases import is_verb_phrase
from .words import SYSTEM_VERBS, alike, content_words, lower_first, stem, stems, upper_first

Json = dict[str, Any]


MOST_CORE = 6


FEWEST_CORE = 3


def features_of(book: Json, kind_words: frozenset[str], brief: Brief) -> tuple[list[str], bool]:
    """The pieces the core is made of, and whether the brief named them."""
    own = list(brief.features)
    if len(own) >= FEWEST_CORE:
        return own[:MOST_CORE], True
    usual = next(
        (
            t["features"]
            for t in topics()
            if book["kind"] in t["kinds"] and any(stem(w) in kind_words for w in t["match"])
        ),
        book["core"]["features"],
    )
    more = [f for f in usual if not any(overlap(f, mine) for mine in own)]
    return [*own, *more[: max(FEWEST_CORE, 4 if not own else FEWEST_CORE) - len(own)]], bool(own)


def overlap(one: str, other: str) -> bool:
    a, b = stems(one), stems(other)
    return bool(a and b) and len(a & b) / min(len(a), len(b)) > 0.5


def core_steps(
    book: Json,
    brief: Brief,
    names: dict[str, str],
    group: Json,
    said: Mapping[str, Any],
    taken: list[str],
    has_input: bool,
) -> list[Json]:
    template = book["core"]
    features, _ = features_of(book, stems(f"{brief.subject} {brief.audience} {brief.phrase}"), brief)
    usual = [_core_title(template, names, feature) for feature in features]  # said again by a model, they stay as here
    pieces: list[tuple[str, str, str]] = []  # title, deliverable, feature
    for title, deliverable in model_steps(said, brief, [*taken, *usual]):
        pieces.append((title, deliverable, title))
        taken = [*taken, title]
    own = list(brief.features)
    for feature in features:
        covered = any(overlap(feature, title) for title, _, _ in pieces)
        enough = len(pieces) >= FEWEST_CORE + (not own) and feature not in own
        title = _core_title(template, names, feature)
        if not (covered or enough or len(pieces) >= MOST_CORE or any(alike(title, other) for other in taken)):
            pieces.append((title, "", feature))
            taken = [*taken, title]
    steps: list[Json] = []
    for number, (title, deliverable, feature) in enumerate(pieces):
        key = f"core{number}"
        before = [*template["after"], *(["input"] if has_input else [])]
        if steps and template.get("chain") == "sequence":
            before = [steps[-1]["key"]]
        elif steps and template.get("chain") == "first":
            before = [steps[0]["key"]]
        told = {**names, "feature": _about(feature, names), "Feature": upper_first(_about(feature, names))}
        told["audience_sentence"] = fill(group.get("accept", "Three of {audience} manage {feature} without help"), told)
        days = float(template["days"]) + (1.0 if number == 0 and template.get("chain") == "first" else 0.0)
        steps.append(
            {
                "key": key,
                "title": title,
                "agent": template["agent"],
                "depends_on": before,
                "deliverable": deliverable or fill(template["deliverable"], told),
                "acceptance": [fill(text, told) for text in template["accept"]],
                "effort_days": days,
                "risk": template["risk"],
                "status": "todo",
            }
        )
    return steps


def _core_title(template: Json, names: dict[str, str], feature: str) -> str:
    if is_verb_phrase(feature):
        does = feature.split(" ", 1)[0].lower() in SYSTEM_VERBS and "system_title" in template
        return fill(
            str(template["system_title" if does else "verb_title"]),
            {**names, "feature": lower_first(feature)},
            110,
        )
    return fill(template["title"], {**names, "feature": lower_first(feature)}, 110)


def _about(feature: str, names: Mapping[str, str]) -> str:
    """A feature to stand where a thing stands: `assign chores` becomes `"assign chores"`."""
    return f'"{lower_first(feature)}"' if is_verb_phrase(feature) else lower_first(feature)


def model_steps(said: Mapping[str, Any], brief: Brief, taken: list[str]) -> list[tuple[str, str]]:
    """The designer's own steps that say something: new words beside the brief's, and none twice."""
    known = stems(f"{brief.phrase} {brief.subject} {brief.audience}")
    near = known | stems(" ".join(brief.features))
    found: list[tuple[str, str]] = []
    for item in said.get("core_steps") or []:
        title = clean_text(item.get("title"), 90) if isinstance(item, Mapping) else ""
        words = stems(title)
        if len(words) < 2 or not words - known or not words & near or any(_within(words, other) for other in taken):
            continue
        deliverable = clean_text(item.get("deliverable"), 160)
        repeated = (
            not content_words(deliverable) or alike(deliverable, title) or any(deliverable == d for _, d in found)
        )
        found.append((upper_first(title), "" if repeated else upper_first(deliverable)))
        taken = [*taken, title]
    return found[:MOST_CORE]


def _within(words: frozenset[str], other: str) -> bool:
    """Whether nearly all of ``words`` stand in ``other``, which a cut title would hide from `alike`."""
    return len(words & stems(other)) / len(words) >= 0.8
