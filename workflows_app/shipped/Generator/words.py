"""Word lists and small word work of the Generator: verbs, articles, comparing titles.

Rule: no knowledge of plans here, only of words.
"""

import re

from .languages import STOPWORDS

# A request's verb that says nothing of the work; the playbook's own verb replaces it in the goal.
WEAK_VERBS = frozenset(
    "plan prepare need want have get make do create help draft work start think manage handle".split()
)

VERBS = frozenset(
    "plan prepare design build create make develop organise organize arrange host hold run launch start open set write "
    "draft publish research investigate study analyse analyze explore understand learn teach train improve reduce "
    "increase automate migrate move introduce implement raise recruit hire find collect gather renovate restore grow "
    "promote sell ship test evaluate compare choose select reorganise reorganize celebrate visit cut lower onboard "
    "digitise digitize replace upgrade establish produce record measure check track assign share send see add edit "
    "remind book pay schedule search filter invite join log show export import upload download view chat message vote "
    "rate review sync scan print report get receive order cancel cook eat sleep drive deliver protect secure detect "
    "predict classify translate support help manage handle convert clean sort feed water warn alert "
    "notify suggest recommend calculate compute connect browse "
    "submit approve request reserve rent exchange swap trade donate map monitor read save sell buy try "
    "ask answer talk meet play "
    "cover practise practice discuss list mark upload sign enter count balance".split()
)

# Verbs whose subject is the thing that is made rather than its users: `it must remind them`.
SYSTEM_VERBS = frozenset(
    "remind warn alert notify track send show suggest recommend detect predict classify translate "
    "calculate compute sync scan log "
    "export import protect secure automate check report monitor convert cut save".split()
)

COUNTABLE = frozenset(
    "app website site system tool platform service portal dashboard bot chatbot game event conference party wedding "
    "workshop meetup festival fair concert course class lesson curriculum study survey experiment shop store cafe café "
    "restaurant bakery garden house kitchen trip journey campaign newsletter podcast book blog "
    "magazine film video plan "
    "policy process program programme project club team store fundraiser drive gala hackathon library school clinic "
    "playground robot device sensor product startup business company report pipeline model database server api "
    "marathon race tournament retreat exhibition museum market farm shelter".split()
)

_FILLER = frozenset(
    "new small big good great nice simple easy little first next really quickly better best way thing things something "
    "anything please thanks hello like want need plan help project stuff lot many much day days week "
    "weeks month months "
    "year years hour hours within until before after during between through without including using euro euros dollar "
    "dollars budget people".split()
)

ALL_STOP = frozenset(word for words in STOPWORDS.values() for word in words)


def content_words(text: str) -> list[str]:
    """The words of ``text`` that carry meaning, as written, each once, in order."""
    seen: set[str] = set()
    found: list[str] = []
    for word in re.findall(r"[^\W\d_][\w'-]*[^\W_]|[^\W\d_]", text):
        low = word.lower()
        if low in seen or low in ALL_STOP or low in _FILLER or (len(low) < 3 and low.isascii()):
            continue
        seen.add(low)
        found.append(word)
    return found


def stem(word: str) -> str:
    """A rough stem, to compare words by: `families` and `family` are one."""
    low = word.lower().removesuffix("'s")
    for end, instead in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", "e"), ("s", "")):
        if low.endswith(end) and len(low) - len(end) >= 3 and not (end == "s" and low.endswith("ss")):
            return low[: len(low) - len(end)] + instead
    return low


def stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in content_words(text))


def alike(one: str, other: str) -> bool:
    """Whether two titles say the same thing: equal, or nearly all words shared."""
    a, b = stems(one), stems(other)
    if not a or not b:
        return one.strip().lower() == other.strip().lower()
    return len(a & b) / len(a | b) >= 0.8


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """``text`` to stand inside a sentence; acronyms and names in capitals stay."""
    return text if len(text) > 1 and text[1].isupper() else text[:1].lower() + text[1:]


def with_article(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeio" else f"a {noun}"


def clip(text: str, limit: int) -> str:
    """``text`` cut at a word's end to at most ``limit`` characters, without loose ends."""
    text = " ".join(text.split())
    if len(text) > limit:
        text = text[: limit + 1].rsplit(" ", 1)[0] if " " in text[: limit + 1] else text[:limit]
        text = re.sub(r"(\s+(and|or|of|for|the|a|an|to|in|with|by))+$", "", text)
    return text.rstrip(" ,;:-")


def joined(items: list[str] | tuple[str, ...]) -> str:
    """``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]
