"""Reads amount, horizon, contribution, risk, currency, fees and goal from what a person writes.

Rule: pure and total; what is not said stays out of the result, so that a caller can tell stated from assumed.
"""

import re
from typing import Any

from .market import AS_OF, BONDS, CASH, EQUITIES, GOLD, PROPERTY

Json = dict[str, Any]

_CURRENCIES = {
    "$": "USD",
    "usd": "USD",
    "dollar": "USD",
    "dollars": "USD",
    "bucks": "USD",
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "£": "GBP",
    "gbp": "GBP",
    "pound": "GBP",
    "pounds": "GBP",
    "quid": "GBP",
    "chf": "CHF",
    "francs": "CHF",
    "franken": "CHF",
    "fr.": "CHF",
    "¥": "JPY",
    "jpy": "JPY",
    "yen": "JPY",
    "inr": "INR",
    "₹": "INR",
    "rupees": "INR",
    "cad": "CAD",
    "aud": "AUD",
    "sek": "SEK",
    "kronor": "SEK",
    "pln": "PLN",
    "zloty": "PLN",
    "brl": "BRL",
    "reais": "BRL",
    "cny": "CNY",
    "yuan": "CNY",
}
_MARKS = "|".join(sorted((re.escape(mark) for mark in _CURRENCIES), key=len, reverse=True))
_SCALES = {
    "k": 1e3,
    "thousand": 1e3,
    "grand": 1e3,
    "tsd": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "million": 1e6,
    "millions": 1e6,
    "bn": 1e9,
    "billion": 1e9,
    "lakh": 1e5,
    "crore": 1e7,
}
_NUMBER = re.compile(
    rf"(?P<mark>{_MARKS})?\s?(?P<number>\d+(?:[.,'\u00a0 ]\d{{3}})*(?:[.,]\d+)?|\d+)\s?(?P<scale>(?:k"
    r"|tsd|thousand|grand|m|mn|mio|millions?|bn|billion|lakh|crore)\b)?"
    rf"\s?(?P<after>(?:{_MARKS})(?!\w))?\s?(?P<percent>%|per ?cent\b|percent\b|bps\b|basis points?\b)?",
    re.IGNORECASE,
)
_SMALL = {
    w: i
    for i, w in enumerate(
        (
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
            "sixteen seventeen eighteen nineteen"
        ).split()
    )
}
_TENS = {
    w: 10 * i for i, w in enumerate("x x twenty thirty forty fifty sixty seventy eighty ninety".split()) if w != "x"
}
_BIG = {"hundred": 100, "thousand": 1_000, "grand": 1_000, "million": 1_000_000}
_WORD_NUMBER = re.compile(
    (
        rf"(?<![\d.,] )\b(?:half a |a |an )?(?:(?:{'|'.join([*_SMALL, *_TENS, *_BIG])})(?:[\s-]+(?:and "
        rf")?(?=(?:{'|'.join([*_SMALL, *_TENS, *_BIG])})\b))?)+\b"
    ),
    re.IGNORECASE,
)

_LOW = (
    r"low[- ]?risk|risk is low|risk low|low tolerance|cautious\w*|conservative\w*|safe(?:ly|st|r)?"
    r"|careful\w*|defensive|risk[- ]averse|secure|can(?:'t|not) afford to lose|no losses|hate risk|little "
    r"risk|sicher|prudent"
)
_HIGH = (
    r"high[- ]?risk|risk is high|risk high|high tolerance|aggressive\w*|adventurous|risky|bold(?:ly)?"
    r"|maxim(?:um|al|ise|ize) (?:growth|returns?)|growth[- ]oriented|speculative|high growth"
)
_MEDIUM = r"balanced|moderate\w*|medium(?:[- ]risk)?|middle|average risk|normal risk"
_GOALS = (
    r"retirement|pension|house|home|flat|apartment|car|university|college|studies|education|wedding"
    r"|child(?:ren)?|kids?|daughter|son|emergenc\w+|sabbatical|trip|travel|business|boat|down ?payment"
    r"|deposit|nest egg|financial independence"
)
_FINANCE = re.compile(
    r"\b(invest\w*|sav(?:e|ing|ings)|portfolio|stocks?|shares|bonds?|equit\w+|funds?|etfs?|pension"
    r"|retire\w*|interest|returns?|inflation|fees?|ter|money|capital|wealth|"
    r"allocation|risk\w*|dividends?|market|crash|gold|cash|crypto|bitcoin|real estate|property"
    r"|mortgage|deposit|anlegen|sparen|investieren|investir|invertir|ahorr\w+|épargn\w+|aktien|"
    r"drawdown|sharpe|volatility|rebalanc\w+|monte carlo|horizon|amount|contribution|compound\w*"
    r"|percentiles?|p10|p50|p90|median|chance|goal|projection|scenarios?)\b",
    re.IGNORECASE,
)
_NAMES = {
    EQUITIES: r"stocks?|equit\w+|shares",
    BONDS: r"bonds?|fixed income",
    PROPERTY: r"real estate|property|reits?",
    GOLD: r"gold|commodit\w+",
    CASH: r"cash|money market",
}


def read_inputs(text: str) -> Json:
    """What ``text`` says, by input name. Money in the currency's units, rates as fractions a year."""
    plain = with_digits(" ".join(text[:20_000].split()))
    found: Json = {}
    age = retire = None
    for hit in _NUMBER.finditer(plain):
        value = _value(hit)
        before, after = plain[max(0, hit.start() - 48) : hit.start()].lower(), plain[hit.end() : hit.end() + 32].lower()
        if hit["percent"]:
            _percent(found, value, hit["percent"].lower(), before, after)
        elif re.match(r"\s*-?\s*(years? old|yrs? old)", after) or (
            re.search(r"\b(i'?m|i am|aged?|turning)\s*(now\s*)?$", before) and value < 110 and not _money(hit)
        ):
            age = value
        elif (
            re.search(
                (
                    r"(retire|retirement|pension|stop working)\s*(at|by|with)?\s*(age)?\s*$|until (i am"
                    r"|age|i'm)\s*$|at (age )?$"
                ),
                before,
            )
            and 30 <= value <= 100
            and not _money(hit)
            and not re.match(r"\s*(years|yrs|months)", after)
        ):
            retire = value
        elif re.match(r"\s*-?\s*(years?|yrs?|y\b|jahre?n?|ans|años|anni|jaar)", after) and not _money(hit):
            found["years"] = value
        elif re.match(r"\s*-?\s*(months?|mths?|monate?)\b", after) and not _money(hit):
            found["years"] = round(value / 12, 2)
        elif (
            re.search(r"\b(until|till|by|in|before)\s*$", before)
            and 2027 <= value <= 2100
            and not _money(hit)
            and not hit["scale"]
        ):
            found["years"] = value - int(AS_OF[:4])
        elif (per := _period(before, after)) and value > 0:
            found["monthly"] = round(value * per, 2)
        elif re.match(r"\s*/\s*\d", plain[hit.end() : hit.end() + 4]) or re.search(r"\d\s*/\s*$", before):
            continue
        elif re.search(
            (
                r"(goal|target|reach|aim|need|want to have|to have|grow (it )?(in)?to|end up with|get to"
                r"|worth|become|turn it into|make it|costs?|deposit of|payment of|ziel)\W*((of|is|to|about"
                r"|around|for|at least|a|be)\W*){0,3}$"
            ),
            before,
        ):
            found.setdefault("goal", value)
        elif re.match(r"\s*(as (a |the )?)?(goal|target)\b", after):
            found["goal"] = value
        elif _money(hit) or hit["scale"] or value >= 100:
            found.setdefault("amount", value) if "amount" not in found else found.setdefault("goal", value)
        if (mark := hit["mark"] or hit["after"]) and not hit["percent"]:
            found["currency"] = _CURRENCIES[mark.lower()]
    if retire and age and retire > age:
        found.setdefault("years", retire - age)
    _words(found, plain)
    return {name: value for name, value in found.items() if _sane(name, value)}


def relative_changes(text: str, profile: Json) -> Json:
    """Changes that are said against the present inputs: `more aggressive`, `double the amount`, `ten years longer`."""
    low = with_digits(" ".join(text[:2000].split())).lower()
    found: Json = {}
    levels = ["low", "medium", "high"]
    at = levels.index(profile["risk"])
    if re.search(
        r"\b(more risk|riskier|more aggressive|bolder|higher risk|more growth|more stocks|more equities)\b", low
    ):
        found["risk"] = levels[min(2, at + 1)]
    elif re.search(
        r"\b(less risk\w*|safer|more cautious|more conservative|lower risk|more careful|more bonds|fewer stocks)\b", low
    ):
        found["risk"] = levels[max(0, at - 1)]
    names = {
        "amount": r"amount|sum|capital|investment|money",
        "monthly": r"contribution|monthly|savings?|saving rate|per month",
        "years": r"time|years|horizon|term",
        "fee": r"fees?|costs?",
    }
    for name, words in names.items():
        for verb, factor in ((r"double|twice", 2.0), (r"half|halve", 0.5), (r"triple", 3.0)):
            if re.search(rf"\b({verb})\b[^.?!]{{0,16}}\b({words})\b|\b({words})\b[^.?!]{{0,16}}\b({verb}d?)\b", low):
                found[name] = profile[name] * factor
    if hit := re.search(r"(\d+(?:\.\d+)?) (?:more years|years (longer|more|later|earlier|less|shorter|sooner))", low):
        sign = -1 if hit[2] in ("earlier", "less", "shorter", "sooner") else 1
        found["years"] = profile["years"] + sign * float(hit[1])
    if re.search(r"\b(no|without|zero) (fees?|costs?)\b", low):
        found["fee"] = 0.0
    if re.search(r"\b(no|without|stop (the )?|zero) ?(monthly |further )?(contributions?|saving plan|savings)\b", low):
        found["monthly"] = 0.0
    return {name: value for name, value in found.items() if _sane(name, value)}


def is_about_money(text: str) -> bool:
    return bool(_FINANCE.search(text)) or bool(read_inputs(text))


def numbers_in(text: str) -> list[float]:
    """All numbers that a text states, scaled (`50k` is 50,000); percentages as they stand."""
    return [_value(hit) for hit in _NUMBER.finditer(with_digits(text[:20_000]))]


def with_digits(text: str) -> str:
    """English number words as digits: `half a million` as `500000`, `ten years` as `10 years`."""
    return _WORD_NUMBER.sub(_spelled, text)


def _spelled(hit: re.Match[str]) -> str:
    words = re.findall(r"[a-z]+", hit[0].lower())
    total, part, seen = 0.0, 0.0, False
    half = words[0] == "half"
    for word in words:
        if word in _SMALL or word in _TENS:
            part, seen = part + (_SMALL.get(word) or _TENS.get(word) or 0), True
        elif word in _BIG:
            part = (part if seen and part else 1) * _BIG[word]
            total, part, seen = (total, part, True) if word == "hundred" else (total + part, 0.0, False)
    number = (total + part) * (0.5 if half else 1)
    # `one` and `a` alone are rarely amounts, and a lone `grand` or `hundred` is one only with its `a`.
    if not half and len(words) == 1 and words[0] in ("one", "zero", "grand"):
        return hit[0]
    return f"{number:g}" if number < 1e6 else f"{number:.0f}"


def _value(hit: re.Match[str]) -> float:
    raw = hit["number"].replace("'", "").replace("\u00a0", "").replace(" ", "")
    separators = [c for c in raw if c in ".,"]
    if separators:
        last = raw.rfind(separators[-1])
        decimals = len(raw) - last - 1
        whole = re.sub(r"[.,]", "", raw[:last])
        grouped = decimals == 3 and not (len(separators) == 1 and whole == "0") and not hit["scale"]
        raw = whole + raw[last + 1 :] if grouped else f"{whole}.{raw[last + 1 :]}"
    return float(raw) * _SCALES.get((hit["scale"] or "").lower(), 1.0)


def _money(hit: re.Match[str]) -> bool:
    return bool(hit["mark"] or hit["after"])


def _percent(found: Json, value: float, unit: str, before: str, after: str) -> None:
    rate = value / (10_000 if unit.startswith("b") else 100)
    near = before[-26:] + " | " + after[:22]
    if unit.startswith("b") or re.search(r"\b(fees?|ter|costs?|charges?|expenses?|kosten|gebühr\w*|frais)\b", near):
        found["fee"] = rate
    elif re.search(r"\binflation|prices\b", near):
        found["inflation"] = rate
    elif re.match(r"\s*(in |of )?(stocks?|equit|shares)", after) or re.search(
        r"(stocks?|equit\w+|shares)\W*(at|to|of|with)?\W*$", before
    ):
        found["equity"] = rate
    elif re.match(r"\s*(in |of )?(bonds?|fixed)", after):
        found.setdefault("equity", 1 - rate)
    elif re.search(r"\breturns?|interest|yield|per year|a year|growth\b", near):
        found["wished_return"] = rate
    elif 0 < rate < 0.03 and "fee" not in found:
        found["fee"] = rate


def _period(before: str, after: str) -> float:
    """Months' share of a payment's period, or 0 where the number is no regular payment."""
    hit = re.match(
        (
            r"\s*(?:more |extra )?(?:a|per|each|every|/|im|pro|par|al|por)\s*(month|mo\b|monat|mois|mes"
            r"|week|year|annum|jahr|an\b|año|quarter)"
        ),
        after,
    )
    hit = hit or re.match(r"\s*(monthly|weekly|yearly|annually|quarterly)", after)
    hit = hit or re.search(
        (
            r"\b(monthly|weekly|yearly|annually|every month|each month|per month|every year|each "
            r"year)\s*(contributions?|savings?|payments?)?\s*(of|:|is|to|at)?\s*$"
        ),
        before,
    )
    if not hit:
        return 0.0
    word = hit[1].strip()
    if word.startswith(("week",)):
        return 52 / 12
    if word.startswith(("year", "annu", "jahr", "an", "año", "every year", "each year")):
        return 1 / 12
    return 1 / 3 if word.startswith("quarter") else 1.0


def _words(found: Json, plain: str) -> None:
    low = plain.lower()
    if hit := re.search(r"\b(\d{1,3})\s*/\s*(\d{1,3})\b", low):
        if int(hit[1]) + int(hit[2]) == 100:
            found["equity"] = int(hit[1]) / 100
    negated = re.search(rf"\b(not|nothing|never|isn't|don't want)\b[^.;,]{{0,14}}({_HIGH})", low)
    if negated:
        found["risk"] = "low" if re.search(r"nothing|at all|never", low) else "medium"
    elif re.search(rf"\b({_MEDIUM})\b", low):
        found["risk"] = "medium"
    elif re.search(rf"\b({_HIGH})\b", low) and not re.search(rf"\b(more|less) ({_HIGH})", low):
        found["risk"] = "high"
    elif re.search(rf"\b({_LOW})\b", low) and not re.search(rf"\b(more|less) ({_LOW})|\bsafer\b", low):
        found["risk"] = "low"
    if hit := re.search(rf"\b(?:for|towards?|my|our|a|her|his)\s+(?:my |our |a |the |new |first )*({_GOALS})\b", low):
        found["goal_name"] = hit[1]
    if "currency" not in found and (
        hit := re.search(r"\bin (euros?|dollars?|pounds?|francs|yen|usd|eur|gbp|chf)\b", low)
    ):
        found["currency"] = _CURRENCIES[hit[1]]
    only = next(
        (name for name, words in _NAMES.items() if re.search(rf"\b(only|all in|just|100 ?%) (in )?({words})\b", low)),
        None,
    )
    out = [
        name
        for name, words in _NAMES.items()
        if re.search(rf"\b(no|without|exclude|excluding|avoid|don't want( any)?|leave out) (?:any )?({words})\b", low)
    ]
    if only:
        out = [name for name in _NAMES if name != only]
    if out and len(out) < len(_NAMES):
        found["exclude"] = out
    missing = re.findall(r"\b(crypto\w*|bitcoin|single stocks?|options|cfds?|nfts?|private equity|art|wine)\b", low)
    if missing:
        found["not_offered"] = sorted(set(missing))


def _sane(name: str, value: Any) -> bool:
    bounds = {
        "amount": (0, 1e12),
        "goal": (1, 1e13),
        "monthly": (0, 1e9),
        "years": (0.5, 60),
        "fee": (0, 0.1),
        "inflation": (-0.02, 0.3),
        "equity": (0, 1),
    }
    if name not in bounds:
        return True
    low, high = bounds[name]
    return bool(low <= value <= high)
