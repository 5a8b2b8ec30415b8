"""Instances of JSON schemas: valid whatever the schema, and in the words of the conversation."""

from __future__ import annotations

import json
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import BaseModel, Field

from mozaiks.llm.example import Unsatisfiable, example

BRIEF = ["Open a bicycle repair shop in Lyon with three mechanics and a budget of 40,000 EUR"]


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Step(BaseModel):
    title: str = Field(min_length=3, max_length=30)
    owner: Literal["agent", "person"]
    effort: int = Field(ge=1, le=8)
    share: float = Field(gt=0, lt=1)
    due: date | None = None
    children: list[Step] = Field(default_factory=list, max_length=2)


class Branch(BaseModel):
    kind: Literal["branch"]
    left: Annotated[Leaf | Branch, Field(discriminator="kind")]


class Leaf(BaseModel):
    kind: Literal["leaf"]
    value: int | str


class Plan(BaseModel):
    title: str
    slug: str = Field(pattern=r"^[a-z][a-z0-9-]{2,20}$")
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$")
    size: Size
    steps: list[Step] = Field(min_length=2, max_length=4)
    tags: set[str] = Field(min_length=3)
    pair: tuple[int, str]
    budget: dict[str, float] = Field(min_length=1)
    tree: Branch | Leaf
    free: Any


@pytest.mark.requirement("B59")
@pytest.mark.parametrize("model", [Plan, Step, Branch, Leaf])
@pytest.mark.parametrize(
    "texts",
    [BRIEF, [""], ["\u65e5\u672c\u8a9e\u306e\u8a08\u753b\u3092\u4f5c\u308b"], ["word " * 5000], ["\x00 \ud83d 12 !!"]],
)
def test_a_pydantic_model_accepts_what_is_made_for_it(model: type[BaseModel], texts: list[str]) -> None:
    made = example(model.model_json_schema(), texts)
    model.model_validate(made)
    assert made == example(model.model_json_schema(), texts)


REF = {"$defs": {"a/b": {"type": "string", "minLength": 40}}, "$ref": "#/$defs/a~1b"}
SCHEMAS: list[Any] = [
    True,
    {},
    {"type": "object"},
    REF,
    {
        "$defs": {"n": {"required": ["n"], "properties": {"n": {"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]}}}},
        "$ref": "#/$defs/n",
    },
    {"$defs": {"l": {"type": "array", "items": {"$ref": "#/$defs/l"}}}, "$ref": "#/$defs/l"},
    {"definitions": {"x": {"enum": [4, 5]}}, "type": "array", "items": {"$ref": "#/definitions/x"}, "minItems": 3},
    {"type": ["null", "integer"], "minimum": 7},
    {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    {"type": "integer", "minimum": -9, "maximum": -3, "multipleOf": 4},
    {"type": "integer", "multipleOf": 7, "minimum": 15},
    {"type": "integer", "multipleOf": 2.5, "minimum": 1},
    {"type": "number", "multipleOf": 0.25, "minimum": 0.1},
    {"type": "number", "minimum": 0.4, "maximum": 0.4},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e-9},
    {"type": "number", "maximum": -5.5},
    {"type": "integer", "minimum": 10**15},
    {"type": "integer", "minimum": 1.2, "maximum": 2.9},
    {"type": "string", "maxLength": 1},
    {"type": "string", "maxLength": 0},
    {"type": "string", "minLength": 500, "maxLength": 501},
    {"type": "string", "pattern": "^\\d{4}-(0[1-9]|1[0-2])$"},
    {"type": "string", "pattern": "^#[0-9A-F]{6}$"},
    {"type": "string", "pattern": "^(red|green)?[^a-z]{3}$", "minLength": 4},
    {"type": "string", "format": "date"},
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "email"},
    {"type": "string", "format": "uuid"},
    {"type": "string", "format": "ipv4"},
    {"enum": [None, 3, {"a": 1}]},
    {"const": {"a": [1]}},
    {"anyOf": [False, {"type": "string", "minLength": 5, "maxLength": 2}, {"type": "boolean"}]},
    {"oneOf": [{"type": "null"}, {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}]},
    {"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"required": ["b"]}], "type": "object"},
    {"allOf": [{"type": "integer", "minimum": 3}, {"minimum": 9}, {"type": "number", "maximum": 9}]},
    {"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": {"const": 1}}, "type": "object"},
    {"type": "array", "uniqueItems": True, "minItems": 3, "items": {"enum": ["a", "b", "c"]}},
    {"type": "array", "uniqueItems": True, "minItems": 6, "items": {"type": "integer", "minimum": 0, "maximum": 5}},
    {"type": "array", "uniqueItems": True, "minItems": 2, "items": {"type": "boolean"}},
    {"type": "array", "uniqueItems": True, "minItems": 20, "items": {"type": "string", "maxLength": 12}},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False, "minItems": 2},
    {"type": "array", "contains": {"const": 7}, "items": {"type": "integer"}},
    {"type": "array", "maxItems": 0},
    {"type": "object", "minProperties": 4, "additionalProperties": {"type": "integer"}},
    {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "required": ["c"], "maxProperties": 1},
    {"type": "object", "properties": {"a": False, "b": True}, "additionalProperties": False},
    {"required": ["deep"], "properties": {"deep": {"items": {"required": ["x"]}, "minItems": 1}}},
]


@pytest.mark.requirement("B59")
@pytest.mark.parametrize("schema", SCHEMAS, ids=[str(number) for number in range(len(SCHEMAS))])
def test_every_part_of_a_schema_is_met(schema: Any) -> None:
    for texts in (BRIEF, []):
        made = example(schema, texts)
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(made)
        json.dumps(made, allow_nan=False)


NOTHING_FITS: list[Any] = [
    False,
    {"type": "integer", "minimum": 5, "maximum": 3},
    {"type": "string", "minLength": 5, "maxLength": 3},
    {"enum": []},
    {"$ref": "#/$defs/missing"},
    {"$ref": "https://example.org/schema"},
    {"$ref": "#"},
    {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    {"type": "array", "items": {"enum": ["a"]}, "uniqueItems": True, "minItems": 2},
    {"type": "string", "pattern": "("},
]


@pytest.mark.parametrize("schema", NOTHING_FITS, ids=[str(number) for number in range(len(NOTHING_FITS))])
def test_a_schema_that_nothing_fits_is_refused_in_words(schema: Any) -> None:
    with pytest.raises(Unsatisfiable, match=r"\.$"):
        example(schema, BRIEF)


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    """Random schemas that allow something."""
    low = st.integers(-1000, 1000)
    plain = st.one_of(
        st.builds(lambda a, b: {"type": "integer", "minimum": a, "maximum": a + b}, low, st.integers(0, 50)),
        st.builds(lambda a, b: {"type": "number", "minimum": a, "maximum": a + b}, low, st.floats(0, 50)),
        st.builds(
            lambda a, b: {"type": "string", "minLength": a, "maxLength": a + b}, st.integers(0, 80), st.integers(0, 80)
        ),
        st.just({"type": "boolean"}),
        st.just({"type": "null"}),
        st.builds(lambda values: {"enum": values}, st.lists(st.text() | st.integers(), min_size=1, max_size=4)),
    )

    def nest(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        objects = st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4).flatmap(
            lambda properties: st.builds(
                lambda required, closed: {
                    "type": "object",
                    "properties": properties,
                    "required": required,
                    "additionalProperties": not closed,
                },
                st.lists(st.sampled_from(sorted(properties)), unique=True) if properties else st.just([]),
                st.booleans(),
            )
        )
        arrays = st.builds(
            lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
            inner, st.integers(0, 4), st.integers(0, 3),
        )  # fmt: skip
        choices = st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3))
        return objects | arrays | choices

    return st.recursive(plain, nest, max_leaves=12)


@settings(max_examples=300, deadline=None)
@given(schemas(), st.lists(st.text(), max_size=2))
def test_any_schema_gets_a_valid_instance_in_any_words(schema: dict[str, Any], texts: list[str]) -> None:
    made = example(schema, texts)
    Draft202012Validator(schema).validate(made)


def test_the_words_are_those_of_the_conversation() -> None:
    made = Plan.model_validate(example(Plan.model_json_schema(), BRIEF))
    said = json.dumps(made.model_dump(mode="json")).casefold()
    assert {"bicycle", "repair", "shop", "lyon", "mechanics"} <= {
        word for word in BRIEF[0].casefold().split() if word in said
    }
    assert len({step.title for step in made.steps}) == len(made.steps)


def test_a_choice_that_was_named_is_the_one_taken() -> None:
    schema = {"enum": ["car", "train", "night_bus"]}
    assert example(schema, ["I would go by night bus"]) == "night_bus"
    assert example(schema, ["I do not mind"]) == "car"
