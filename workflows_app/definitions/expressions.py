"""The `when` expressions of a route: a closed grammar over ``output``, ``answer`` and the variables.

Rule: evaluation never raises and never runs anything; what is missing is null, and what cannot be compared is false.

    expr       = and { "or" and }            and  = not { "and" not }        not = "not" not | comparison
    comparison = operand [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in" ) operand ]
    operand    = number | text | true | false | null | "[" [ operand { "," operand } ] "]" | name | "(" expr ")"
    name       = ( "output" | "answer" | "variables" ) { "." word } | word { "." word }      (a word alone: a variable)
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MAX_LENGTH = 1000
MAX_DEPTH = 40
SOURCES = ("output", "answer", "variables")

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<text>\"[^\"\\]*\"|'[^'\\]*')"
    r"|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?P<sign>==|!=|<=|>=|<|>|\(|\)|\[|\]|,))",
    re.ASCII,
)
_HINTS = {
    "=": "Compare with `==`.",
    "&": "Write `and`.",
    "|": "Write `or`.",
    "!": "Write `not`, or `!=` to compare.",
    ".": "A name is words with dots between them, like `output.ok`.",
    '"': "Text ends with the quote it begins with, and has no backslash in it.",
    "'": "Text ends with the quote it begins with, and has no backslash in it.",
}
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}


class ExpressionError(ValueError):
    """A `when` outside the grammar; the message is a full sentence."""


@dataclass(frozen=True)
class Literal:
    value: Any


@dataclass(frozen=True)
class Name:
    """``source`` is output, answer or variables; a bare word is a path in the variables."""

    source: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Many:
    items: tuple["Node", ...]


@dataclass(frozen=True)
class Not:
    item: "Node"


@dataclass(frozen=True)
class Logic:
    word: str
    items: tuple["Node", ...]


@dataclass(frozen=True)
class Compare:
    left: "Node"
    sign: str
    right: "Node"


Node = Literal | Name | Many | Not | Logic | Compare


@dataclass(frozen=True)
class Expression:
    """A parsed `when`. ``tree`` is for the checks; use `holds` to decide."""

    text: str
    tree: Node

    def holds(self, *, output: Any, answer: Any, variables: Mapping[str, Any]) -> bool:
        """Whether the condition is true; never raises."""
        return _true(_value(self.tree, {"output": output, "answer": answer, "variables": variables}))

    def names(self) -> Iterator[Name]:
        """Every name it reads."""
        yield from _names(self.tree)

    def bounds(self) -> Iterator[tuple[str, int]]:
        """The variables this condition bounds, with the direction (+1 or -1) in which moving one ends it."""
        parts = self.tree.items if isinstance(self.tree, Logic) and self.tree.word == "and" else (self.tree,)
        for part in parts:
            if not isinstance(part, Compare) or part.sign not in ("<", "<=", ">", ">="):
                continue
            direction = 1 if part.sign.startswith("<") else -1
            for side, other, sense in ((part.left, part.right, direction), (part.right, part.left, -direction)):
                if isinstance(side, Name) and side.source == "variables" and len(side.path) == 1:
                    if isinstance(other, Literal) and isinstance(other.value, int | float):
                        yield side.path[0], sense


def parse(text: str) -> Expression:
    """Parse a `when`; ``ExpressionError`` says in a sentence what is outside the grammar."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"The condition is longer than {MAX_LENGTH} characters; use a Python route for this.")
    parser = _Parser(_tokens(text))
    tree = parser.any()
    if (rest := parser.here) is not None:
        raise ExpressionError(_unexpected(rest))
    return Expression(text, tree)


def _tokens(text: str) -> list[str]:
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            found = text[at:].lstrip()[0]
            raise ExpressionError(f"`{found}` is not part of a condition. {_HINTS.get(found, '')}".rstrip())
        tokens.append(match[0].strip())
        at = match.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens; ``here`` is the token it looks at."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at, self.depth = tokens, 0, 0

    @property
    def here(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, *words: str) -> str | None:
        here = self.here
        if here is not None and here in words:
            self.at += 1
            return here
        return None

    def any(self) -> Node:
        self.deeper()
        node = self.chain("or", lambda: self.chain("and", self.negation))
        self.depth -= 1
        return node

    def chain(self, word: str, item: Callable[[], Node]) -> Node:
        items = [item()]
        while self.take(word):
            items.append(item())
        return items[0] if len(items) == 1 else Logic(word, tuple(items))

    def negation(self) -> Node:
        count = 0
        while self.take("not"):
            count += 1
        node = self.comparison()
        for _ in range(min(count, 2 - count % 2)):  # an even number of `not` still makes a truth value
            node = Not(node)
        return node

    def comparison(self) -> Node:
        left = self.operand()
        if (sign := self.sign()) is None:
            return left
        node = Compare(left, sign, self.operand())
        if self.sign() is not None:
            raise ExpressionError("Compare two things at a time: write `a < b and b < c`.")
        return node

    def sign(self) -> str | None:
        if self.here == "not" and self.tokens[self.at + 1 : self.at + 2] == ["in"]:
            self.at += 2
            return "not in"
        return self.take("==", "!=", "<", "<=", ">", ">=", "in")

    def operand(self) -> Node:
        word = self.here
        if word is None:
            raise ExpressionError("The condition ends too early; a value is missing at its end.")
        self.at += 1
        if word == "(":
            node = self.any()
            self.expect(")")
            return node
        if word == "[":
            return self.many()
        if word in _WORDS:
            return Literal(_WORDS[word])
        if word[0] in "\"'":
            return Literal(word[1:-1])
        if word[0].isdigit() or word[0] == "-":
            return Literal(float(word) if "." in word else int(word))
        if (word[0].isalpha() or word[0] == "_") and word not in ("and", "or", "not", "in"):
            if self.here == "(":
                raise ExpressionError(
                    f"`{word}(…)` is a call, and a condition calls nothing; use a Python route for this."
                )
            first, *path = word.split(".")
            return Name(first, tuple(path)) if first in SOURCES else Name("variables", (first, *path))
        raise ExpressionError(_unexpected(word))

    def many(self) -> Node:
        items: list[Node] = []
        self.deeper()
        while not self.take("]"):
            if items:
                self.expect(",")
            items.append(self.operand())
        self.depth -= 1
        return Many(tuple(items))

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError("The condition is nested too deeply; use a Python route for this.")

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            raise ExpressionError(f"A `{sign}` is missing in the condition.")


def _unexpected(token: str) -> str:
    return f"`{token}` does not belong there; a condition is values joined by ==, !=, <, <=, >, >=, in, and, or, not."


def _names(node: Node) -> Iterator[Name]:
    match node:
        case Name():
            yield node
        case Many(items) | Logic(_, items):
            for item in items:
                yield from _names(item)
        case Not(item):
            yield from _names(item)
        case Compare(left, _, right):
            yield from _names(left)
            yield from _names(right)


def _value(node: Node, scope: Mapping[str, Any]) -> Any:
    match node:
        case Literal(value):
            return value
        case Name(source, path):
            return _look_up(scope[source], path)
        case Many(items):
            return [_value(item, scope) for item in items]
        case Not(item):
            return not _true(_value(item, scope))
        case Logic(word, items):  # as in Python, the value of the operand that decides
            value = None
            for item in items:
                value = _value(item, scope)
                if _true(value) is (word == "or"):
                    break
            return value
        case Compare(left, sign, right):
            return _compare(_value(left, scope), sign, _value(right, scope))


def _look_up(value: Any, path: tuple[str, ...]) -> Any:
    for word in path:
        value = value.get(word) if isinstance(value, Mapping) else None
    return value


def _true(value: Any) -> bool:
    return bool(value)


def _compare(left: Any, sign: str, right: Any) -> bool:
    try:
        match sign:
            case "==":
                return bool(left == right)
            case "!=":
                return bool(left != right)
            case "<":
                return bool(left < right)
            case "<=":
                return bool(left <= right)
            case ">":
                return bool(left > right)
            case ">=":
                return bool(left >= right)
            case "in":
                return left in right
            case _:
                return left not in right
    except (TypeError, RecursionError):  # different kinds: nothing is less, and nothing is inside
        return sign == "not in"
