"""What a plan calls its subject, its people, its goal; and how the playbooks' placeholders are filled.

Rule: user text enters templates as a value only, never as a template.
"""

import re
from collections.abc import Mapping
from typing import Any

from .brief import Brief
from .kinds import head_of
from .words import WEAK_VERBS, clip, content_words, lower_first, stem, stems, upper_first, with_article

Json = dict[str, Any]


_STUDIES = "survey|study|research|experiment|poll|review|investigation|evaluation|paper|thesis"


def names_of(brief: Brief, book: Json) -> dict[str, str]:
    """What the playbook's placeholders stand for."""
    audience = brief.audience
    subject = brief.subject or ("the work" if not brief.nouns else " ".join(brief.nouns[:3]))
    the = brief.the or subject
    if book.get("own_audience"):
        if audience and stem(audience.split(" ")[-1]) not in stems(subject):
            subject, the = clip(f"{subject} for {audience}", 70), clip(f"{the} for {audience}", 74)
        audience = ""
    if book["kind"] == "research" and (hit := re.match(rf"(?:\w+ )?(?:{_STUDIES}) (?:of|on|about|into) ", subject)):
        subject = the = subject[hit.end() :]
    audience = audience or book["audience"]
    names = {
        "subject": subject,
        "the": the,
        "audience": audience,
        "the_audience": _the(audience),
        "people": brief.people or f"all of {_the(audience)}",
        "place": f" {brief.place}" if brief.place else "",
        "short": _short(subject, the),
    }
    return {**names, "The": upper_first(the), "Audience": upper_first(audience)}


def _the(audience: str) -> str:
    return audience if audience.startswith(("the ", "our ", "my ")) else f"the {audience}"


def _short(subject: str, the: str) -> str:
    """A long subject's name after its first mention: `the survey` for `the survey of commuter cycling habits`."""
    if len(the) <= 30:
        return the
    if re.match(r"(why|how|whether|what|which|when|who|if)\b", subject, re.IGNORECASE):
        return "this question"
    head = head_of(subject).split(" ")[-1]
    return f"the {head}" if head.isascii() and len(head) > 2 else the


def fill(template: str, names: Mapping[str, str], limit: int = 200) -> str:
    return upper_first(clip(template.format_map(names), limit))


def fill_short(template: str, names: Mapping[str, str]) -> str:
    """As `fill`, with the subject's short name."""
    return fill(template, {**names, "the": names["short"], "The": upper_first(names["short"])})


def title_of(brief: Brief, names: Mapping[str, str], said: str) -> str:
    own = clean_text(said, 80)
    if stems(own) & stems(names["subject"]) and len(content_words(own)) >= 2:
        return upper_first(own)
    if not names["the"].startswith(("the ", "our ")) and brief.verb and brief.verb not in WEAK_VERBS:
        return clip(f"{upper_first(brief.verb)} {brief.phrase}", 80)
    named = re.search(rf"\bfor\b[^,;]*{re.escape(brief.audience)}", brief.phrase)
    tail = f" for {brief.audience}" if brief.audience and named and brief.audience not in names["subject"] else ""
    return upper_first(clip(f"{brief.subject or names['subject']}{tail}{names['place']}", 80))


def goal_of(brief: Brief, book: Json, names: Mapping[str, str]) -> str:
    phrase = brief.phrase or names["the"]
    if brief.the == f"the {brief.subject}" and phrase.lower().startswith(brief.subject.lower()):
        phrase = with_article(lower_first(phrase))
    strong = brief.verb and brief.verb not in WEAK_VERBS
    verb = brief.verb if strong else book["goal"]
    if verb == "Find out" and not re.match(r"(why|how|whether|what|which|when|who|if)\b", phrase, re.IGNORECASE):
        verb = "Carry out" if re.search(rf"\b({_STUDIES})\b", phrase) else "Find out about"
    return f"{upper_first(verb)} {phrase}."


def clean_text(text: object, limit: int) -> str:
    """A model's or a user's text to stand in a plan: one line, no braces or tags, at most ``limit`` characters."""
    plain = "".join(" " if c in "{}<>`\\|" or ord(c) < 32 else c for c in str(text or ""))
    return clip(plain.strip(" .-*#\"'"), limit)
