"""The model list: which models there are, in which order, and how each is called (A56, A64).

One rule: whatever is wrong in the environment stops the start with one sentence that names the variable.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

from mozaiks.llm.errors import ModelConfigError

__all__ = ["ModelConfigError", "ModelEntry", "ModelList", "load_model_list", "offline_entry"]

log = logging.getLogger(__name__)

Kind = Literal["offline", "local", "openai"]
OPENAI_URL = "https://api.openai.com/v1"
MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class ModelEntry:
    """One model and how to call it. Times are seconds, prices per million tokens in ``currency``.

    ``first_token_timeout`` counts from the start of the call, connecting included. ``extra`` holds further fields of
    the request body; a field that is None there is left out of the body.
    """

    name: str
    kind: Kind
    model: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    temperature: float | None = None
    max_tokens: int | None = None
    price_input: Decimal | None = None
    price_output: Decimal | None = None
    currency: str = "USD"
    connect_timeout: float = 5
    first_token_timeout: float = 30
    between_tokens_timeout: float = 30
    total_timeout: float = 300
    max_answer_chars: int = 2_000_000
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def cost(self, prompt_tokens: int, completion_tokens: int) -> Decimal | None:
        """Cost in ``currency``, or None when the entry has no price."""
        if self.price_input is None or self.price_output is None:
            return None
        return (self.price_input * prompt_tokens + self.price_output * completion_tokens) / MILLION


@dataclass(frozen=True)
class ModelList:
    """The entries in the order in which they are asked."""

    entries: tuple[ModelEntry, ...]

    @property
    def first(self) -> ModelEntry:
        return self.entries[0]

    def order(self, name: str | None) -> tuple[ModelEntry, ...]:
        """The named entry first, then the others; an unknown name changes nothing and is logged."""
        named = tuple(entry for entry in self.entries if entry.name == name)
        if name is not None and not named:
            log.warning("no model entry is called %r; using the list's own order", name)
        return named + tuple(entry for entry in self.entries if entry not in named)

    def replaced(self, entry: ModelEntry) -> ModelList:
        """The same list with the entry of that name exchanged (a local model that has started)."""
        return replace(self, entries=tuple(entry if old.name == entry.name else old for old in self.entries))


def offline_entry() -> ModelEntry:
    return ModelEntry(
        name="offline", kind="offline", model="mozaiks-offline", price_input=Decimal(0), price_output=Decimal(0)
    )


def load_model_list(env: Mapping[str, str]) -> ModelList:
    """The model list of ``env``: ``LLM_CONFIG_LIST``, else the short form, else the offline model.

    Raises ModelConfigError with a sentence that names the variable.
    """
    configured = env.get("LLM_CONFIG_LIST", "").strip()
    if configured:
        return _from_config_list(configured, env)
    if any(env.get(name, "").strip() for name in ("LLM_BASE_URL", "LLM_API_KEY", "LLM_MODEL")):
        return ModelList((_from_short_form(env),))
    return ModelList((offline_entry(),))


def _from_short_form(env: Mapping[str, str]) -> ModelEntry:
    base_url, key, model = (env.get(name, "").strip() for name in ("LLM_BASE_URL", "LLM_API_KEY", "LLM_MODEL"))
    if not model:
        raise ModelConfigError("LLM_MODEL is missing: LLM_BASE_URL or LLM_API_KEY is set, so name the model to call.")
    if model == "offline" and not base_url:
        return offline_entry()
    if model == "local" and not base_url:
        return ModelEntry(name="local", kind="local", model="smollm2-135m")
    if not base_url and not key:
        raise ModelConfigError(
            "LLM_API_KEY is missing: LLM_MODEL without LLM_BASE_URL calls OpenAI, which needs a key."
        )
    url = _url(base_url or OPENAI_URL, "LLM_BASE_URL")
    return ModelEntry(name=model, kind="openai", model=model, base_url=url, api_key=_key(key, "LLM_API_KEY"))


def _from_config_list(configured: str, env: Mapping[str, str]) -> ModelList:
    try:
        if configured[0] not in "[{":
            configured = Path(configured).expanduser().read_text(encoding="utf-8")
        raw = json.loads(configured)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ModelConfigError(f"LLM_CONFIG_LIST is neither JSON nor a file that can be read: {reason}.") from None
    except (ValueError, RecursionError) as error:
        raise ModelConfigError(f"LLM_CONFIG_LIST is not valid JSON: {error}.") from None
    if not isinstance(raw, list) or not raw:
        raise ModelConfigError("LLM_CONFIG_LIST must be a JSON list with at least one entry.")
    entries = tuple(_entry(item, number, env) for number, item in enumerate(raw, start=1))
    names = [entry.name for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise ModelConfigError(f"LLM_CONFIG_LIST has two entries called {name!r}; names must differ.")
    return ModelList(entries)


NUMBERS: Mapping[str, tuple[str, float, float]] = {
    # key of the file: (field of the entry, lowest, highest)
    "connect_timeout": ("connect_timeout", 0.001, 86_400),
    "first_token_timeout": ("first_token_timeout", 0.001, 86_400),
    "between_tokens_timeout": ("between_tokens_timeout", 0.001, 86_400),
    "total_timeout": ("total_timeout", 0.001, 86_400),
    "timeout": ("total_timeout", 0.001, 86_400),
    "temperature": ("temperature", 0, 2),
}
INTEGERS = ("max_tokens", "max_answer_chars")
PRICES = ("price_input", "price_output")
TEXTS = ("name", "kind", "model", "base_url", "api_key_env", "currency")
KNOWN = {*NUMBERS, *INTEGERS, *PRICES, *TEXTS, "price", "extra"}
OURS = {"messages", "model", "stream", "tools", "response_format"}  # body fields that the request sets itself


def _entry(raw: Any, number: int, env: Mapping[str, str]) -> ModelEntry:
    where = f"LLM_CONFIG_LIST, entry {number}"
    if not isinstance(raw, dict):
        raise ModelConfigError(f"{where} must be an object.")
    if "api_key" in raw:
        raise ModelConfigError(f"{where}: put the key in an environment variable and name it in 'api_key_env'.")
    raw = _with_flat_price(raw, where)
    if unknown := sorted(set(raw) - KNOWN):
        raise ModelConfigError(f"{where} has an unknown key {unknown[0]!r}; known are {', '.join(sorted(KNOWN))}.")
    for key in TEXTS:
        if raw.get(key) is not None and (not isinstance(raw[key], str) or not raw[key].strip()):
            raise ModelConfigError(f"{where}: {key!r} must be a text that is not empty.")
    kind = _kind(raw, where)
    model = raw.get("model") or {"offline": "mozaiks-offline", "local": "smollm2-135m"}.get(kind)
    if model is None:
        raise ModelConfigError(f"{where}: 'model' is missing.")
    fields: dict[str, Any] = {"kind": kind, "model": model, "name": raw.get("name") or model}
    for key, (name, low, high) in NUMBERS.items():
        if raw.get(key) is not None:
            fields[name] = _number(raw[key], low, high, f"{where}: {key!r}")
    for key in INTEGERS:
        if raw.get(key) is not None:
            fields[key] = _number(raw[key], 1, 100_000_000, f"{where}: {key!r}", whole=True)
    for key in PRICES:
        if raw.get(key) is not None:
            fields[key] = _price(raw[key], f"{where}: {key!r}")
    if raw.get("currency"):
        fields["currency"] = raw["currency"]
    if raw.get("extra") is not None:
        fields["extra"] = _extra(raw["extra"], where)
    if kind == "openai":
        fields["base_url"] = _url(raw.get("base_url") or OPENAI_URL, f"{where}: 'base_url'")
    elif raw.get("base_url"):
        raise ModelConfigError(f"{where}: 'base_url' belongs to kind 'openai' only.")
    if variable := raw.get("api_key_env"):
        if not env.get(variable, "").strip():
            raise ModelConfigError(f"{variable} is not set; {where} takes its key from it.")
        fields["api_key"] = _key(env[variable], variable)
    return ModelEntry(**fields)


def _kind(raw: Mapping[str, Any], where: str) -> Kind:
    said = raw.get("kind")
    if said is None and not raw.get("base_url") and not raw.get("api_key_env"):
        said = raw.get("model") or raw.get("name")  # {"name": "offline"} says it all
        said = said if said in ("offline", "local") else None
    match said:
        case None | "openai":
            return "openai"
        case "offline":
            return "offline"
        case "local":
            return "local"
    raise ModelConfigError(f"{where}: 'kind' must be offline, local or openai.")


def _with_flat_price(raw: dict[str, Any], where: str) -> dict[str, Any]:
    price = raw.get("price")
    if price is None:
        return raw
    if not isinstance(price, dict) or set(price) - {"input", "output", "currency"}:
        raise ModelConfigError(f"{where}: 'price' must be an object with input, output and currency.")
    flat = {"price_input": price.get("input"), "price_output": price.get("output"), "currency": price.get("currency")}
    return {key: value for key, value in raw.items() if key != "price"} | flat


def _number(value: Any, low: float, high: float, where: str, *, whole: bool = False) -> float | int:
    right = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not right or not isfinite(value) or not low <= value <= high:
        raise ModelConfigError(f"{where} must be a {'whole ' if whole else ''}number from {low:g} to {high:g}.")
    return value  # type: ignore[no-any-return]


def _price(value: Any, where: str) -> Decimal:
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        price = Decimal("NaN")
    if isinstance(value, bool) or not price.is_finite() or price < 0:
        raise ModelConfigError(f"{where} must be a price per million tokens, zero or more.")
    return price


def _extra(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ModelConfigError(f"{where}: 'extra' must be an object of further request fields.")
    if taken := sorted(OURS & set(value)):
        raise ModelConfigError(f"{where}: 'extra' may not set {taken[0]!r}.")
    return MappingProxyType(dict(value))


def _url(value: str, where: str) -> str:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  raises on a port that is no number
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in value):
        raise ModelConfigError(f"{where} must be an address that starts with http:// or https://.")
    return value.rstrip("/")


def _key(value: str, variable: str) -> str | None:
    key = value.strip()
    if not key.isascii() or not key.isprintable():
        raise ModelConfigError(f"{variable} holds characters that cannot be part of an API key.")
    return key or None
