"""The grammar of `when`: it means what Python means by the same words, is closed, and never raises when it decides."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows_app.definitions.expressions import ExpressionError, parse

pytestmark = pytest.mark.requirement("WORKFLOWS format")

NOTHING: dict[str, Any] = {"output": None, "answer": None, "variables": {}}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
literals = st.one_of(
    st.integers(-50, 50).map(str),
    st.floats(-50, 50, allow_nan=False).map(lambda number: f"{number:.3f}"),
    st.sampled_from(["True", "False", "None", "'a'", '"b c"', "''", "[]", "[1, 'a', True]", "[[1], 2]"]),
)
names = st.sampled_from(["output", "output.a", "output.b.c", "answer.a", "answer", "variables.x", "x", "y"])


def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Larger expressions from smaller ones, in words that Python and the grammar share."""
    signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
    values = literals | names | inner.map("({})".format)
    return st.one_of(
        st.tuples(values, signs, values).map(" ".join),
        st.lists(inner, min_size=2, max_size=3).map(" and ".join),
        st.lists(inner, min_size=2, max_size=3).map(" or ".join),
        inner.map("({})".format),
        inner.map("not ({})".format),
        values.map("not {}".format),
    )


expressions = st.recursive(literals | names, joined, max_leaves=8).filter(lambda text: len(text) <= 900)


class Seen(dict[str, Any]):
    """A mapping whose missing keys are None at any depth, as in the grammar; Python's own evaluation is the oracle."""

    def __getattr__(self, name: str) -> Any:
        value = self.get(name)
        return Seen(value) if isinstance(value, dict) else Gone() if value is None else value


class Gone:
    """None that has every attribute, each None again."""

    def __getattr__(self, name: str) -> "Gone":
        return self


def by_python(text: str, scope: dict[str, Any]) -> bool | None:
    """What Python makes of it; None where the two may differ (what cannot be compared is false in the grammar)."""
    seen = {name: Seen(value) if isinstance(value, dict) else value for name, value in scope.items()}
    try:
        return bool(eval(text, {"__builtins__": {}}, {**seen, **scope["variables"]}))
    except (TypeError, AttributeError, NameError):
        return None


@given(expressions, json_values, json_values, st.integers(), st.none() | st.text(max_size=3))
def test_what_holds_is_what_python_would_say(text: str, output: Any, answer: Any, x: int, y: str | None):
    scope = {"output": output, "answer": answer, "variables": {"x": x, "y": y}}
    held = parse(text).holds(**scope)
    assert held in (True, False)
    if (expected := by_python(text, scope)) is not None and "output." not in text and "answer." not in text:
        assert held is expected


@given(expressions, json_values, json_values, st.dictionaries(st.sampled_from("xyz"), json_values, max_size=3))
def test_no_state_makes_a_condition_raise_or_change_it(text: str, output: Any, answer: Any, variables: Any):
    before = json.dumps([output, answer, variables])
    condition = parse(text)
    first = condition.holds(output=output, answer=answer, variables=variables)
    assert condition.holds(output=output, answer=answer, variables=variables) is first
    assert json.dumps([output, answer, variables]) == before


@given(st.text(max_size=200) | st.text(alphabet="output.ok andrivelsx<>=!()[],'\"0123456789 -_", max_size=200))
def test_any_text_parses_or_is_refused_in_a_sentence(text: str):
    refusal = None
    try:
        parse(text).holds(**NOTHING)
    except ExpressionError as error:
        refusal = str(error)
    assert refusal is None or refusal.endswith(".")


@pytest.mark.parametrize(
    ("text", "scope", "holds"),
    [
        ("output.ok", {"output": {"ok": True}}, True),
        ("output.ok", {"output": None}, False),
        ("output.deep.er", {"output": {"deep": {"er": 1}}}, True),
        ("not output.ok and revisions < 2", {"output": {"ok": False}, "variables": {"revisions": 1}}, True),
        ("not output.ok and revisions < 2", {"output": {"ok": False}, "variables": {"revisions": 2}}, False),
        ("variables.tenant == 'acme'", {"variables": {"tenant": "acme"}}, True),
        ("answer.city in ['Oslo', 'Rome']", {"answer": {"city": "Rome"}}, True),
        ("'x' not in answer.text", {"answer": {"text": "abc"}}, True),
        ("answer.text == null", {"answer": {}}, True),
        ("output < 3", {"output": "three"}, False),
        ("3 in output", {"output": 3}, False),
        ("3 not in output", {"output": None}, True),
        ("not not true", {}, True),
        ("true or false and false", {}, True),
        ("-1.5 < -1", {}, True),
    ],
)
def test_conditions_mean_what_they_say(text: str, scope: dict[str, Any], holds: bool):
    assert parse(text).holds(**{**NOTHING, **scope}) is holds


@pytest.mark.requirement("law 13")
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "ends too early"),
        ("output.ok = true", "Compare with `==`"),
        ("a && b", "Write `and`"),
        ("a || b", "Write `or`"),
        ("!a", "Write `not`"),
        ("len(a) > 1", "is a call"),
        ("output.get('ok')", "is a call"),
        ("__import__('os')", "is a call"),
        ("output['ok']", "does not belong there"),
        ("1 < a < 3", "two things at a time"),
        ("a + 1 == 2", "`+` is not part of a condition"),
        ("lambda: 1", "`:` is not part"),
        ("a.b.", "words with dots"),
        ("'open", "ends with the quote"),
        ("(a", "A `)` is missing"),
        ("a)", "does not belong there"),
        ("[1, 2", "A `,` is missing"),
        ("and a", "`and` does not belong there"),
        ("a if b else c", "`if` does not belong there"),
        ("(" * 200 + "a" + ")" * 200, "nested too deeply"),
        ("[" * 400 + "]" * 400, "nested too deeply"),
        ("a or " * 300 + "a", "longer than 1000 characters"),
    ],
)
def test_what_is_outside_the_grammar_is_refused_with_what_to_write(text: str, sentence: str):
    with pytest.raises(ExpressionError, match=re.escape(sentence)):
        parse(text)


def test_a_long_chain_of_not_is_a_loop_not_a_recursion():
    assert parse("not " * 240 + "true").holds(**NOTHING) is True
