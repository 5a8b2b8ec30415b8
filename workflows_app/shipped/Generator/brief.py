"""Reads a brief: what is to be made, for whom, with what in it, by when.

Rule: pure and total. Any text gives a Brief; what cannot be planned is told in ``problem``, never raised.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from .languages import FOR_WORDS, WITH_WORDS, language_of
from .phrases import GREETING, clean, is_verb_phrase, main_phrase, sentences_of
from .words import COUNTABLE, VERBS, clip, content_words, stem

Problem = Literal["", "empty", "greeting", "question", "harmful", "unclear"]


MAX_READ = 20_000


@dataclass(frozen=True)
class Brief:
    """What the user asked for, in parts. Texts are the user's own words, cleaned; ``days`` are calendar days."""

    text: str
    phrase: str
    verb: str
    subject: str
    the: str
    audience: str
    place: str
    features: tuple[str, ...]
    nouns: tuple[str, ...]
    days: int | None
    people: str
    budget: str
    language: str
    words: int
    problem: Problem


_DETERMINER = re.compile(r"^(an?|the|our|my|your|this|that|some|one|another)\s+", re.IGNORECASE)


_PLACE = r"in|at|on|near|across|around|inside|throughout"


_PLACES = frozenset([*_PLACE.split("|"), "from"])


_TOPICAL = frozenset(
    "course class lesson lessons workshop book paper talk study seminar report article research "
    "training podcast survey "
    "guide series exhibition lecture campaign newsletter programme program".split()
)


_MARK = re.compile(
    r"\s*(?:,(?!\d)|[;:(]|\s-\s|(?<![\w-])(?:for|among|that|which|who|whose|where|with|so that|so"
    r"|because|to|by|before|"
    rf"until|within|using|including|without|from|during|about how|while|{_PLACE})(?![\w-]))\s*",
    re.IGNORECASE,
)


_TIME = re.compile(
    r"\b(?:in|within|over|for|next|takes?|have|only)\s+(?:the next\s+|under\s+)?(\d{1,3}|a|an|one|two"
    r"|three|four|five|six|eight|ten|twelve)[\s-]+"
    r"(day|week|month|quarter)s?\b",
    re.IGNORECASE,
)


_COUNT_OF = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "eight": 8,
    "ten": 10,
    "twelve": 12,
}


_DAYS_OF = {"day": 1, "week": 7, "month": 30, "quarter": 91}


_WHEN = re.compile(
    r"^(next|this|the|one|two|three|four|five|six|a|an|\d+)?[\s-]*(day|week|weekend|month|quarter|year"
    r"|spring|summer|autumn|fall|"
    r"winter|christmas|easter|january|february|march|april|may|june|july|august|september|october|november|december|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|20\d\d)s?\b",
    re.IGNORECASE,
)


_PEOPLE = re.compile(
    r"\b(\d[\d.,]*)\s+((?:\w+\s)?(?:people|guests|participants|visitors|attendees|students|children"
    r"|kids|employees|users|"
    r"volunteers|members|teachers|staff|families|patients|pupils|persons|runners|speakers))\b",
    re.IGNORECASE,
)


_BUDGET = re.compile(
    r"(?:[$€£]\s?\d[\d.,]*\s?(?:k|m|million)?|\b\d[\d.,]*\s?(?:k\s)?(?:€|eur\b|euros?\b|usd\b"
    r"|dollars?\b|gbp\b|pounds?\b|francs?\b|chf\b))",
    re.IGNORECASE,
)


_MUST = re.compile(
    r"\b(?:must|should|needs? to|ha(?:s|ve) to|can|could|lets? (?:people|users|us|them|you)|allows? "
    r"(?:people|users|us|them|you) to|"
    r"able to)\s+((?:also |not |be able to )*[^.;\n!?]+)",
    re.IGNORECASE,
)


_HARM = re.compile(
    r"\b(bomb|explosives?|molotov|nerve agent|bioweapon|malware|ransomware|phishing|ddos|keylogger|child porn\w*|"
    r"kill (people|someone|him|her|my|them|a person)|murder|assassinat\w+|mass shooting|suicide method\w*|"
    r"(hack|break) into|launder(ing)? money|money laundering|human trafficking|steal (money|data|passwords?|credit))\b",
    re.IGNORECASE,
)


_ORDER = re.compile(
    r"(ignore|disregard|forget)\s+(all|any|the|your|previous|prior|above"
    r"|earlier)[^.!?\n]*(instructions?|rules?|prompts?)[.!?,:]*"
    r"|(print|show|reveal|repeat)\s+(me\s+)?(your|the)\s+(system\s+)?prompt[.!?,:]*|you are now [^.!?\n]*[.!?]?",
    re.IGNORECASE,
)


_QUESTION = re.compile(
    r"^((write|tell|sing|give)( me)?( an?)? (poem|joke|song|story|haiku|limerick)|what|who|when|where"
    r"|which|whose|is|are|do|does|did|was|were|will|tell me|why|how (much|many|old|far|tall|is|are"
    r"|does)|"
    r"joke|explain)\b",
    re.IGNORECASE,
)


def read_brief(message: str, *, audience: str = "", must_haves: str = "") -> Brief:
    """The brief in ``message``; ``audience`` and ``must_haves`` are the form's and come before the message's."""
    whole = clean(message[:MAX_READ])
    harmless = _ORDER.sub(" ", whole)
    injected = harmless != whole
    language = language_of(harmless[:2000])
    sentences = sentences_of(harmless)
    phrase, verb = main_phrase(sentences, language)
    brief = _parts(phrase, language)
    days = _days(harmless)
    budget = _BUDGET.search(harmless)
    features = _unique([*_listed(must_haves), *brief.features, *_musts(harmless, phrase)])[:6]
    if audience.strip():
        brief = replace(brief, audience=clip(_undetermined(clean(audience)), 60))
    problem = _problem(
        harmless, sentences, verb, brief, injected=injected, helped=bool(audience.strip() or must_haves.strip())
    )
    return replace(
        brief,
        text=clip(harmless, 600),
        verb=verb,
        features=tuple(features),
        days=days,
        language=language,
        people=_people(harmless),
        budget=budget[0].strip(" .,") if budget else "",
        words=len(message.split()),
        problem=problem,
        nouns=_nouns(brief, features, harmless),
    )


def _parts(phrase: str, language: str) -> Brief:
    phrase = re.sub(r"^(?:for|about|me|us|on)\s+(?=\w)", "", phrase, flags=re.IGNORECASE)
    subject, rest = _split(phrase, language)
    if re.fullmatch(_BUDGET, subject.strip()) or re.fullmatch(r"[\d.,\s]*(money|funds?)?", subject, re.IGNORECASE):
        subject = "the fundraising campaign" if subject else ""
    audience, place, features = "", "", [""]
    for marker, piece in rest:
        if not piece:
            continue
        if marker in ("for", "among") and not audience and not _WHEN.match(piece) and not _BUDGET.match(piece):
            audience = re.sub(r"^\d[\d.,]*\s+", "", _undetermined(piece))
        elif (
            marker == "with"
            and re.match(r"(two|three|four|five|six|ten|\d+|some|our|my)\s+([\w-]+\s)?\w+s?$", piece)
            and (
                hit := re.search(
                    r"(kids|children|people|guests|friends|employees|staff|volunteers|students"
                    r"|teachers|nurses|dogs?|members)$",
                    piece,
                )
            )
        ):
            audience = audience or hit[1]
        elif _brings_parts(marker, piece, begun=len(features) > 1):
            features.extend(_listed(piece))
        elif marker in ("that", "which") and (said := _listed(piece)) and is_verb_phrase(said[0]):
            features.extend(said)
        elif marker == "to" and place.startswith("from "):
            place = f"{place} to {piece}"
        elif marker == "to" and not place and piece[:1].isupper() and (marker, piece) == rest[0]:
            place = f"to {piece}"
        elif marker in _PLACES and not place and not _WHEN.match(piece) and not re.search(r"budget|\d{4,}", piece):
            place = f"{marker} {piece}"
    determiner = _DETERMINER.match(subject)
    bare = clip(_undetermined(subject), 56)
    head = re.split(r"\s(?:of|about|on|and|between)\s", bare)[0]
    last = head.split(" ")[-1].lower() if head else ""
    countable = bool(determiner) or last in COUNTABLE
    plural = last.endswith("s") and not last.endswith("ss")
    the = f"the {bare}" if bare and countable and not (plural and not determiner) else bare
    if determiner and determiner[1].lower() in ("our", "my"):
        the = f"{'our' if determiner[1].lower() == 'our' else 'the'} {bare}"
    return Brief(
        text="",
        phrase=clip(phrase, 140),
        verb="",
        subject=bare,
        the=the,
        audience=clip(audience, 60),
        place=clip(place, 60),
        features=tuple(f for f in features if f),
        nouns=(),
        days=None,
        people="",
        budget="",
        language=language,
        words=0,
        problem="",
    )


def _brings_parts(marker: str, piece: str, *, begun: bool) -> bool:
    """Whether the piece after ``marker`` lists parts; after a comma only where a list has ``begun``."""
    if marker in (",", "and"):
        return begun
    return marker in ("with", "including", ":", "(") and not _BUDGET.search(piece) and not _TIME.match(piece)


def _split(phrase: str, language: str) -> tuple[str, list[tuple[str, str]]]:
    """The subject and the (marker, piece) pairs after it."""
    for words, english in ((FOR_WORDS, "for"), (WITH_WORDS, "with")):
        if language in words:
            phrase = re.sub(rf"\b{words[language]}\b", english, phrase, flags=re.IGNORECASE)
    clause = re.match(r"(why|how|whether|what|which|when|who|if)\b", phrase, re.IGNORECASE)
    pieces: list[tuple[str, str]] = []
    start, marker = 0, ""
    for hit in _MARK.finditer(phrase, clause.end() if clause else 0):
        # A clause (`why customers leave`) keeps all but its later additions; a subject never begins with a marker.
        before = phrase[start : hit.start()].split(" ")[-1].lower()
        if (
            hit.start() == 0
            or (hit[0].strip().lower() == "on" and before in _TOPICAL)
            or (clause and hit[0].strip().lower() not in ("for", ",", ";", "with"))
        ):
            continue
        pieces.append((marker, phrase[start : hit.start()].strip(" ,;:()")))
        marker, start = hit[0].strip().lower(), hit.end()
    pieces.append((marker, phrase[start:].strip(" ,;:()")))
    return pieces[0][1], pieces[1:]


def _listed(text: str) -> list[str]:
    parts = re.split(r"[,;\n]|\s+(?:and|plus|as well as|&)\s+|^\s*[-*]\s*", clean(text) if text else "")
    return [item for part in parts if (item := _feature(part))]


def _feature(text: str) -> str:
    text = re.sub(
        r"^(?:and|also|not only|be able to|it|they|users?|people|a|an|the|of|or|to|\d+\.)\s+",
        "",
        text.strip(" .!-*"),
        flags=re.IGNORECASE,
    )
    first, _, rest = text.partition(" ")
    if rest and first.lower().endswith("s") and first.lower()[:-1] in VERBS:
        text = f"{first.lower()[:-1]} {rest}"
    text = clip(text, 56)
    return text if len(text) >= 3 and content_words(text) and not _BUDGET.fullmatch(text) else ""


def _musts(text: str, phrase: str) -> list[str]:
    found = []
    for hit in _MUST.finditer(text[:4000]):
        if hit[1].lower().startswith("not ") or (hit.start() < 3 and not phrase):
            continue
        found.extend(_listed(hit[1]))
    return [item for item in found if len(item.split()) <= 8][:6]


def _unique(items: list[str]) -> list[str]:
    kept: dict[frozenset[str], str] = {}
    for item in items:
        key = frozenset(stem(word) for word in content_words(item))
        if key and key not in kept:
            kept[key] = item
    return list(kept.values())


def _people(text: str) -> str:
    hit = _PEOPLE.search(text) or re.search(r"\bfor (\d{1,6}) ((?:[a-z-]+ )?[a-z-]{4,}s)\b", text, re.IGNORECASE)
    return f"{hit[1].rstrip('.,')} {hit[2].lower()}" if hit and not _TIME.match(f"for {hit[1]} {hit[2]}") else ""


def _days(text: str) -> int | None:
    hit = _TIME.search(text)
    if not hit:
        return None
    count = int(hit[1]) if hit[1].isdigit() else _COUNT_OF[hit[1].lower()]
    return min(max(count * _DAYS_OF[hit[2].lower()], 1), 1500)


def _undetermined(text: str) -> str:
    for _ in range(3):
        text = re.sub(
            r"^(an?|the|our|my|your|this|that|some|one|all|new|der|die|das|den|eine?[nr]?|unsere?[nr]?"
            r"|le|la|les|une?|el|los|las|il|lo|i|gli|o|os|as|um|uma|de|het|een)\s+(?=\S)",
            "",
            text.strip(),
            flags=re.IGNORECASE,
        )
    return text.strip(" .,;:")


def _nouns(brief: Brief, features: list[str], text: str) -> tuple[str, ...]:
    named = content_words(" ".join([brief.subject, brief.audience]))
    frequent = sorted(
        (word for word in content_words(text) if word.lower() not in VERBS),
        key=lambda word: -text.lower().count(word.lower()),
    )
    more = content_words(" ".join([brief.place, *features]))
    return tuple(dict.fromkeys([*named, *more, *(frequent[:6] if len(text) > 1500 or not named else [])]))[:14]


def _problem(text: str, sentences: list[str], verb: str, brief: Brief, *, injected: bool, helped: bool) -> Problem:
    if _HARM.search(text):
        return "harmful"
    if not re.search(r"[^\W\d_]", text):
        return "unclear" if injected else "" if helped else "empty"
    if helped:
        return ""
    if len(sentences) <= 1 and GREETING.match(text):
        return "greeting"
    if (
        sentences
        and (not verb or re.search(r"\b(poem|joke|haiku|limerick)s?$", sentences[0]))
        and _QUESTION.match(sentences[0])
        and len(text) < 400
    ):
        return "question"
    known = len(content_words(text))
    if not brief.subject or (
        brief.language == "English" and not verb and known < 2 and brief.subject.lower() not in COUNTABLE
    ):
        return "unclear"
    vowels = len(re.findall(r"[aeiouyäöüáéíóúàèâêô]", text, re.IGNORECASE))
    letters = len(re.findall(r"[a-z]", text, re.IGNORECASE))
    return "unclear" if letters > 6 and vowels / letters < 0.15 else ""
