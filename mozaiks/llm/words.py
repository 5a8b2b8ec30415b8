"""The words of a conversation: what the offline model has to speak with.

One rule: the same text gives the same words, in any language and of any length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_WORDS = 40
LONGEST_LOOK = 20_000  # characters of a text that are looked at
WORD = re.compile(r"[^\W\d_](?:[\w'\u2019-]*[^\W_])?")
PIECE = re.compile(r"\s*[^\s]{1,6}|\s+")
SPARE_WORDS = ("plan", "idea", "step", "goal", "result")
SMALL_TEXT = """
    a about after all also am an and any are as at be because been but by can could did do does for from get give
    got had has have he her here him his how i if in into is it its just let like make may me might more most much must
    my need no not now of on one only or other our out over please shall she should so some such tell than that the
    their them then there these they this those to too under up us use very want was we were what when where which who
    why will with would you your hello hi thanks thank help
"""
SMALL_WORDS = frozenset(SMALL_TEXT.split())


def keywords(texts: Iterable[str], most: int = MOST_WORDS) -> list[str]:
    """The telling words of ``texts``, each once, in the order of their first use."""
    found: dict[str, str] = {}
    for text in texts:
        for match in WORD.finditer(text[:LONGEST_LOOK]):
            word = match.group()
            if len(word) > 24:  # a script without spaces, or noise: a handful of its characters
                word = word[:8]
            key = word.casefold()
            if key not in SMALL_WORDS and (len(word) > 1 or not word.isascii()):
                found.setdefault(key, word)
            if len(found) >= most:
                return list(found.values())
    return list(found.values())


def pieces(text: str) -> list[str]:
    """The text cut into what stands for tokens: joined they are the text again."""
    return PIECE.findall(text)


def count_tokens(text: str) -> int:
    """Tokens-ish: the number of pieces."""
    return sum(1 for _ in PIECE.finditer(text))
