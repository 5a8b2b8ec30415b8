"""What a client may send, and how text is kept: no frame gets through unchecked (law 13)."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mozaiks.protocol.errors import SchemaInvalid, TooLarge
from mozaiks.protocol.frames import MAX_DEPTH, MAX_FRAME, MAX_KEYS, check_strings, decode, usable_id
from mozaiks.protocol.text import clean_json, clean_text

pytestmark = pytest.mark.requirement("law 13", "PROTOCOL 1")

LONE = "\ud800"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "no json",
        "[]",
        '"text"',
        "1",
        "null",
        "{",
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 20 + "}",
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": ' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}",
        "[" * 30_000,
        json.dumps({str(number): number for number in range(MAX_KEYS + 1)}),
    ],
)
def test_a_malformed_frame_is_refused_in_a_sentence(text: str | None) -> None:
    with pytest.raises(SchemaInvalid) as refused:
        decode(text)
    assert refused.value.message.endswith(".")


def test_the_size_of_a_frame_is_counted_in_bytes() -> None:
    room = MAX_FRAME - len('{"a":""}')
    assert decode('{"a":"' + "x" * room + '"}') == {"a": "x" * room}
    for too_large in ("x" * (room + 1), "é" * (room // 2 + 1), "x" * (2 * MAX_FRAME)):
        with pytest.raises(TooLarge):
            decode('{"a":"' + too_large + '"}')


def test_depth_is_counted_outside_of_strings_only() -> None:
    brackets = {"text": '[{"\\' * 200, "quoted": '"[[[[' * 100}
    assert decode(json.dumps(brackets)) == brackets
    deepest = '{"a": ' + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + "}"
    assert "a" in decode(deepest)


@pytest.mark.parametrize("bad", ["\x00", "a\x00b", LONE, "\udfff", "a" + LONE])
@pytest.mark.parametrize("shape", ["value", "key", "list", "deep"])
def test_nul_and_lone_surrogates_are_refused_wherever_they_are(bad: str, shape: str) -> None:
    frames: dict[str, dict[str, Any]] = {
        "value": {"field": bad},
        "key": {bad: 1},
        "list": {"field": ["ok", bad]},
        "deep": {"field": {"in": [{"here": bad}]}},
    }
    frame = frames[shape]
    with pytest.raises(SchemaInvalid) as refused:
        check_strings(decode(json.dumps(frame)))
    assert shape == "key" or "field" in refused.value.message


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        ({"id": "a"}, "a"),
        ({"id": "x" * 64}, "x" * 64),
        ({"id": "x" * 65}, None),
        ({"id": ""}, None),
        ({"id": 1}, None),
        ({"id": None}, None),
        ({"id": "a\x00"}, None),
        ({"id": LONE}, None),
        ({}, None),
        ([], None),
        ("id", None),
        (None, None),
    ],
)
def test_an_answer_names_an_id_only_where_it_is_usable(frame: Any, wanted: str | None) -> None:
    assert usable_id(frame) == wanted


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.text(max_size=200))
def test_no_text_makes_the_decoder_fail_in_another_way(text: str) -> None:
    with suppress(SchemaInvalid, TooLarge):
        assert isinstance(decode(text), dict)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_what_was_cleaned_can_be_stored_and_cleaning_again_changes_nothing(value: dict[str, Any]) -> None:
    cleaned = clean_json(value)
    text = json.dumps(cleaned, ensure_ascii=False, allow_nan=False)
    assert "\x00" not in text
    assert "\\u0000" not in text
    text.encode("utf-8")
    assert clean_json(cleaned) == cleaned


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_good_text_is_kept_as_it_is(text: str) -> None:
    assert clean_text(text) == text


def test_what_no_database_takes_is_replaced() -> None:
    assert clean_text("a\x00b") == "ab"
    assert clean_text("a" + LONE + "b") == "a\ufffdb"
    assert clean_json({"a\x00": [math.nan, math.inf, (1, 2)]}) == {"a": [None, None, [1, 2]]}
