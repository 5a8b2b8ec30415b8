"""An instance of any JSON schema, made of given words.

One rule: what comes out is valid for the schema that went in, as far as the schema can be satisfied by construction
(local ``$ref``, ``enum``, ``const``, ``anyOf``, ``oneOf``, ``allOf``, lengths, bounds, formats, simple patterns).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from mozaiks.llm.strings import text_for
from mozaiks.llm.words import SPARE_WORDS, keywords

Schema = dict[str, Any]
DEEPEST = 5  # below this only what is required is filled in
GIVE_UP = 60
MERGED_LISTS = ("required",)
COMBINERS = ("anyOf", "oneOf")


class Unsatisfiable(ValueError):
    """No instance could be made of this schema."""


def example(schema: Any, texts: Iterable[str] = ()) -> Any:
    """An instance of ``schema`` in the words of ``texts``; the same input gives the same instance.

    Raises Unsatisfiable for a schema that allows nothing or refers to what does not exist.
    """
    texts = list(texts)
    try:
        return _Maker(schema, texts).make(schema, "", 0)
    except RecursionError:
        raise Unsatisfiable("The schema refers to itself without an end.") from None


class _Maker:
    def __init__(self, root: Any, texts: list[str]) -> None:
        self.root = root
        self.said = " ".join(texts).casefold()
        self.words = keywords(texts)
        if len(self.words) < 3:  # a short message: what is said would otherwise repeat itself
            said = self.words or [SPARE_WORDS[0]]
            spare = [word for word in SPARE_WORDS if word not in said]
            self.words = [one for number, word in enumerate(spare) for one in (said[number % len(said)], word)]
        self.turn = 0  # moves through the words, so that neighbours differ

    def make(self, schema: Any, name: str, depth: int) -> Any:
        if schema is True or schema == {}:
            return self._text({}, name)
        if not isinstance(schema, dict) or depth > GIVE_UP:
            raise Unsatisfiable(f"Nothing fits the schema of {name or 'the answer'!r}.")
        schema = self._flat(schema)
        for combiner in COMBINERS:
            if combiner in schema:
                return self._one_of(schema, combiner, name, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choice(schema["enum"], name)
        kind = self._kind(schema, depth)
        match kind:
            case "object":
                return self._object(schema, name, depth)
            case "array":
                return self._array(schema, name, depth)
            case "string":
                return self._text(schema, name)
            case "integer" | "number":
                return self._number(schema, whole=kind == "integer")
            case "boolean":
                return not any(word in name.casefold() for word in ("error", "fail", "block", "reject", "delete"))
            case _:
                return None

    def _flat(self, schema: Schema) -> Schema:
        """The schema with ``$ref`` and ``allOf`` merged in."""
        for _ in range(GIVE_UP):
            if isinstance(schema.get("$ref"), str):
                target = self._resolve(schema["$ref"])
                schema = _merge(target, {key: value for key, value in schema.items() if key != "$ref"})
            elif schema.get("allOf"):
                parts = schema["allOf"]
                schema = {key: value for key, value in schema.items() if key != "allOf"}
                for part in parts:
                    if part is False:
                        raise Unsatisfiable("Nothing fits a schema that forbids everything.")
                    if isinstance(part, dict):
                        schema = _merge(self._flat(part), schema)
            else:
                return schema
        raise Unsatisfiable("The schema refers to itself without an end.")

    def _resolve(self, reference: str) -> Schema:
        if not reference.startswith("#"):
            raise Unsatisfiable(f"The schema refers to {reference!r}, which is not in it.")
        found: Any = self.root
        for part in reference[1:].split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            elif isinstance(found, dict) and part in found:
                found = found[part]
            else:
                raise Unsatisfiable(f"The schema refers to {reference!r}, which is not in it.")
        if found is True:
            return {}
        if not isinstance(found, dict):
            raise Unsatisfiable(f"The schema refers to {reference!r}, which allows nothing.")
        return found

    def _one_of(self, schema: Schema, combiner: str, name: str, depth: int) -> Any:
        """The first alternative that works out; deep down the simplest first, so that recursion ends."""
        base = {key: value for key, value in schema.items() if key != combiner}
        options = list(schema[combiner])
        if depth >= DEEPEST:
            options.sort(key=_weight)
        else:
            options.sort(key=lambda option: isinstance(option, dict) and option.get("type") == "null")
        for option in options:
            if option is False:
                continue
            try:
                return self.make(
                    _merge(self._flat(option), base) if isinstance(option, dict) else base, name, depth + 1
                )
            except (Unsatisfiable, RecursionError):
                continue
        raise Unsatisfiable(f"No alternative of {name or 'the answer'!r} can be made.")

    def _choice(self, values: Any, name: str) -> Any:
        if not isinstance(values, list) or not values:
            raise Unsatisfiable(f"{name or 'The answer'!r} has no value to choose.")
        for value in values:
            if isinstance(value, str) and value and self._was_said(value.casefold().replace("_", " ")):
                return value
        return values[0]

    def _was_said(self, value: str) -> bool:
        if not value.isascii():
            return value in self.said
        return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", self.said) is not None

    def _kind(self, schema: Schema, depth: int) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            if not kind:
                raise Unsatisfiable("A list of types is empty.")
            if depth >= DEEPEST and "null" in kind:
                return "null"
            return str(next((one for one in kind if one != "null"), "null"))
        if isinstance(kind, str):
            return kind
        if any(key in schema for key in ("properties", "required", "additionalProperties", "minProperties")):
            return "object"
        if any(key in schema for key in ("items", "prefixItems", "minItems")):
            return "array"
        if any(key in schema for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")):
            return "number"
        return "string"

    def _object(self, schema: Schema, name: str, depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = [key for key in schema.get("required") or [] if isinstance(key, str)]
        others = schema.get("additionalProperties", True)
        most = schema.get("maxProperties", math.inf)
        made: dict[str, Any] = {}
        wanted = required if depth >= DEEPEST else [*required, *(key for key in properties if key not in required)]
        for key in [key for key in properties if key in wanted] + [key for key in wanted if key not in properties]:
            if key not in required and len(made) + len([key for key in required if key not in made]) >= most:
                continue
            try:
                made[key] = self.make(properties.get(key, others), key, depth + 1)
            except Unsatisfiable:
                if key in required:
                    raise
        number = 0
        while len(made) < schema.get("minProperties", 0):
            number += 1
            key = self.words[number % len(self.words)] + ("" if number < len(self.words) else f"_{number}")
            made.setdefault(key, self.make(properties.get(key, others), key, depth + 1))
            if number > 1000:
                raise Unsatisfiable(f"{name or 'The answer'!r} cannot have so many properties.")
        return made

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        first = schema.get("prefixItems") or []
        rest = schema.get("items", True)
        least = max(int(schema.get("minItems", 0)), 1 if "contains" in schema and schema.get("minContains", 1) else 0)
        most = schema.get("maxItems", math.inf)
        wanted = max(least, len(first) or min(3 if depth < 3 else 1, most) if depth < DEEPEST else 0)
        made: list[Any] = []
        for number in range(min(int(wanted), int(min(most, 10_000)))):
            item = first[number] if number < len(first) else rest
            if (
                number >= len(first)
                and number == len(made)
                and isinstance(schema.get("contains"), dict)
                and number == 0
            ):
                item = _merge(schema["contains"], rest) if isinstance(rest, dict) else schema["contains"]
            try:
                value = (
                    self._new(item, name, depth, made)
                    if schema.get("uniqueItems")
                    else self.make(item, name, depth + 1)
                )
            except Unsatisfiable:
                if len(made) < least:
                    raise
                break
            made.append(value)
        return made

    def _new(self, item: Any, name: str, depth: int, made: list[Any]) -> Any:
        """A value that is not in ``made`` yet."""
        flat = self._flat(item) if isinstance(item, dict) else {}
        for value in flat.get("enum") or []:
            if value not in made:
                return value
        for _ in range(50):
            value = self.make(item, name, depth + 1)
            if value not in made:
                return value
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                step = flat.get("multipleOf", 1)
                taken = [one for one in made if isinstance(one, (int, float))]
                for candidate in (max(taken) + step, min(taken) - step):
                    if _fits(candidate, flat):
                        return candidate
            if isinstance(value, bool) and (not value) not in made:
                return not value
            if isinstance(value, str) and not {"pattern", "format", "enum", "const"} & set(flat):
                most = flat.get("maxLength", math.inf)
                ending = f" {len(made) + 1}"
                numbered = value[: max(0, int(min(most, 10_000)) - len(ending))] + ending
                if numbered not in made and len(numbered) <= most:
                    return numbered
        raise Unsatisfiable(f"{name or 'The answer'!r} cannot have so many different items.")

    def _number(self, schema: Schema, *, whole: bool) -> int | float:
        low, high = _bounds(schema, whole)
        if low > high:
            raise Unsatisfiable("No number lies between these bounds.")
        step = schema.get("multipleOf")
        if step or whole:
            unit = step if step and not (whole and not float(step).is_integer()) else math.lcm(1, 1)
            if step and whole and not float(step).is_integer():
                unit = step * next((n for n in range(1, 1001) if float(step * n).is_integer()), 1)
            value = unit * math.ceil(low / unit) if low > 0 else (0 if high >= 0 else unit * math.floor(high / unit))
            if value == 0 and low <= 0 and unit <= high:
                self.turn += 1
                several = unit * (1 + self.turn % 5)
                value = several if several <= high else unit
            if not low <= value <= high:
                raise Unsatisfiable("No such multiple lies between these bounds.")
            return int(value) if whole or float(value).is_integer() else value
        if math.isfinite(low) and math.isfinite(high):
            return round((low + high) / 2, 4) if low <= round((low + high) / 2, 4) <= high else (low + high) / 2
        return low + 1 if math.isfinite(low) else (high - 1 if math.isfinite(high) else 1.5)

    def _text(self, schema: Schema, name: str) -> str:
        self.turn += 1
        try:
            return text_for(schema, name, self.words, self.turn)
        except ValueError as error:
            raise Unsatisfiable(str(error)) from None


def _bounds(schema: Schema, whole: bool) -> tuple[float, float]:
    """The lowest and highest number allowed, exclusive bounds moved inwards."""
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is True or high is True:  # draft 4 wrote them as booleans; nobody means True as a bound
        low, high = -math.inf, math.inf
    if isinstance(above, (int, float)) and not isinstance(above, bool) and above >= low:
        low = math.floor(above) + 1 if whole else math.nextafter(above, math.inf)
    if isinstance(below, (int, float)) and not isinstance(below, bool) and below <= high:
        high = math.ceil(below) - 1 if whole else math.nextafter(below, -math.inf)
    return low, high


def _fits(value: float, schema: Schema) -> bool:
    low, high = _bounds(schema, schema.get("type") == "integer")
    return low <= value <= high


def _merge(under: Schema, over: Schema) -> Schema:
    """Both schemas at once: properties and required together, bounds the narrower, else ``over`` wins."""
    merged = {**under, **over}
    for key in set(under) & set(over):
        one, other = under[key], over[key]
        if key == "properties" and isinstance(one, dict) and isinstance(other, dict):
            merged[key] = {
                name: _merge(one[name], other[name])
                if isinstance(one.get(name), dict) and isinstance(other.get(name), dict)
                else other.get(name, one.get(name))
                for name in [*one, *(name for name in other if name not in one)]
            }
        elif key in MERGED_LISTS and isinstance(one, list) and isinstance(other, list):
            merged[key] = [*one, *(item for item in other if item not in one)]
        elif key == "enum" and isinstance(one, list) and isinstance(other, list):
            merged[key] = [item for item in one if item in other]
        elif key in ("minimum", "minLength", "minItems", "minProperties", "exclusiveMinimum"):
            merged[key] = max(one, other)
        elif key in ("maximum", "maxLength", "maxItems", "maxProperties", "exclusiveMaximum"):
            merged[key] = min(one, other)
        elif key == "type":
            merged[key] = _common_type(one, other)
        elif key in COMBINERS or key == "allOf":
            merged[key] = one
            merged["allOf"] = [*merged.get("allOf", []), {key: other}] if key != "allOf" else [*one, *other]
    return merged


def _common_type(one: Any, other: Any) -> Any:
    ones = one if isinstance(one, list) else [one]
    others = other if isinstance(other, list) else [other]
    common = [kind for kind in ones if kind in others]
    if not common and {"integer", "number"} <= {*ones, *others}:
        common = ["integer"]
    return common[0] if len(common) == 1 else common


def _weight(option: Any) -> int:
    """How much an alternative would nest: null first, then plain values, then arrays, then the rest."""
    if not isinstance(option, dict):
        return 1
    if option.get("type") == "null" or "const" in option or "enum" in option:
        return 0
    return {"string": 1, "integer": 1, "number": 1, "boolean": 1, "array": 2}.get(str(option.get("type")), 3)
