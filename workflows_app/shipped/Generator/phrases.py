"""Finds in a text the sentence that says what to do, and takes off what only leads up to it.

Rule: pure; no knowledge of plans or parts, only of sentences.
"""

import re

from .languages import LEADS
from .words import COUNTABLE, VERBS, content_words, lower_first

_LEAD = re.compile(
    r"^(hi|hello|hey|dear \w+|good (morning|day|evening)|please|kindly|thanks|so|ok(ay)?|well|now|also|and|then|just|"
    r"(can|could|would|will) (you|we|i)|i'?d (like|love)|i would (like|love)|i('m| am) (planning|trying|going|looking)|"
    r"(i|we) (want|need|plan|wish|hope|have|must|should)|we('re| are) (planning|trying|going|looking)|we'?d like|"
    r"(my|our|the) (goal|task|aim|idea|plan) is|help (me|us)|let'?s|how (do|can|could|should|would) (i|we)|"
    r"get (fit|healthy|in shape)|give (me|us)|i'?m|to|a plan (for|to|of)|an? (idea|brief|project) (for"
    r"|to)|plan (for|to|how to)|"
    r"set(ting)? up|find out|figure out|roll out|put together|work out|come up with|look(ing)? into)\b[\s,:.!-]*",
    re.IGNORECASE,
)


_VERB = re.compile(rf"^({'|'.join(sorted(VERBS, key=len, reverse=True))})(ing|s)?\b\s+", re.IGNORECASE)


GREETING = re.compile(
    r"^(hi|hello|hey|yo|good (morning|day|evening|afternoon)|hallo|bonjour|hola|ciao|thanks?|thank you"
    r"|test(ing)?|ok(ay)?|"
    r"lol|cool|how are you|what'?s up)\b[\w\s,]{0,20}[!.?]*$",
    re.IGNORECASE,
)


def is_verb_phrase(text: str) -> bool:
    """Whether ``text`` begins with a verb we know (`assign chores`), so that `can ...` may stand before it."""
    first, _, rest = text.lower().partition(" ")
    return bool(rest) and first in VERBS and not rest.startswith(("and ", "or ", "& ", "for ", "of ", "in "))


def clean(text: str) -> str:
    text = re.sub(r"<[^>]{0,200}>|[`{}<>|\\\x00-\x08\x0b-\x1f\x7f]", " ", text.replace("\u2019", "'"))
    return re.sub(r"[ \t\r\f\v]+", " ", text).strip()


def sentences_of(text: str) -> list[str]:
    parts = re.split(r"(?<=[.!?。！？])\s+|\n+", text)  # noqa: RUF001 - full-width stops end Chinese and Japanese sentences
    return [part.strip(" -*#\t").rstrip(".!?。！？ ") for part in parts if re.search(r"\w", part)]  # noqa: RUF001


def main_phrase(sentences: list[str], language: str) -> tuple[str, str]:
    """The sentence that says what to do, without its lead, and its verb."""
    best, best_verb = "", ""
    for sentence in sentences[:12]:
        phrase, verb = _without_lead(sentence, language)
        if verb and len(content_words(phrase)) >= 1:
            return phrase, verb
        if not best and content_words(phrase) and not GREETING.match(sentence):
            best, best_verb = phrase, verb
    return best, best_verb


def _without_lead(sentence: str, language: str) -> tuple[str, str]:
    verb = ""
    foreign = LEADS.get(language)
    own = re.compile(rf"^{foreign}\b[\s,:]*", re.IGNORECASE) if foreign else None
    for _ in range(10):
        before = sentence
        if own and (hit := own.match(sentence)):
            verb, sentence = "plan", sentence[hit.end() :]
        elif hit := _LEAD.match(sentence):
            said = hit[1].lower()
            verb = {
                "find out": "research",
                "figure out": "research",
                "looking into": "research",
                "look into": "research",
                "set up": "set up",
                "setting up": "set up",
                "roll out": "introduce",
            }.get(said, verb)
            if "plan" in said or said in ("put together", "work out", "come up with"):
                verb = verb or "plan"
            sentence = sentence[hit.end() :]
        elif (hit := _VERB.match(sentence)) and not _compound(sentence, hit):
            verb = hit[1].lower()
            sentence = sentence[hit.end() :]
            sentence = re.sub(r"^(and|or|&|/)\s+(?=\w+\s)", "", sentence) if _VERB.match(sentence[4:]) else sentence
        if sentence == before:
            break
    if not verb and language == "English" and not re.match(r"\S+ [A-Z]", sentence):
        sentence = lower_first(sentence)  # a sentence's capital is no name's
    return sentence.strip(" ,:"), verb


def _compound(sentence: str, hit: re.Match[str]) -> bool:
    """`Book club for seniors`, `Onboarding process`: a noun follows without an article, so the verb is part of it."""
    rest = sentence[hit.end() :].lower()
    following = rest.split(" ", 1)[0].strip(".,")
    noun_like = hit[2] == "ing" or hit[1].lower() in {
        "book",
        "study",
        "test",
        "film",
        "record",
        "water",
        "order",
        "report",
        "chat",
        "plan",
        "survey",
        "research",
        "support",
        "food",
    }
    return noun_like and (following in COUNTABLE or following in ("of", "about", "on", "into"))
