"""The model list as people write it, and what it says when they err."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from mozaiks.llm import ModelConfigError, ModelEntry, load_model_list


@pytest.mark.requirement("A56", "A64")
def test_without_any_setting_the_offline_model_answers() -> None:
    models = load_model_list({"LLM_CONFIG_LIST": "  "})
    assert [entry.kind for entry in models.entries] == ["offline"]
    assert models.first.cost(1000, 1000) == 0


@pytest.mark.requirement("A56")
def test_the_list_keeps_its_order_and_every_field() -> None:
    config = [
        {"name": "strong", "model": "big", "base_url": "https://models.example/v1/", "api_key_env": "BIG_KEY",
         "temperature": 0.3, "max_tokens": 900, "timeout": 120, "first_token_timeout": 10, "connect_timeout": 2,
         "between_tokens_timeout": 7, "price": {"input": 2.5, "output": "10", "currency": "EUR"},
         "extra": {"top_p": 0.5}},
        {"name": "offline"},
        {"kind": "local"},
    ]  # fmt: skip
    models = load_model_list({"LLM_CONFIG_LIST": json.dumps(config), "BIG_KEY": " sk-secret \n", "LLM_MODEL": "unused"})
    strong, offline, local = models.entries
    assert (strong.kind, strong.base_url, strong.api_key) == ("openai", "https://models.example/v1", "sk-secret")
    assert (strong.total_timeout, strong.first_token_timeout, strong.connect_timeout) == (120, 10, 2)
    assert (strong.between_tokens_timeout, strong.max_tokens, dict(strong.extra)) == (7, 900, {"top_p": 0.5})
    assert strong.cost(1_000_000, 500_000) == Decimal("7.5")
    assert strong.currency == "EUR"
    assert (offline.kind, local.kind, local.base_url) == ("offline", "local", None)


@pytest.mark.requirement("A56")
def test_the_list_may_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    file.write_text('[{"model": "offline"}]')
    assert load_model_list({"LLM_CONFIG_LIST": str(file)}).first.kind == "offline"


def test_the_short_form_needs_only_what_a_keyless_server_needs() -> None:
    entry = load_model_list({"LLM_BASE_URL": "http://127.0.0.1:11434/v1", "LLM_MODEL": "llama"}).first
    assert (entry.kind, entry.base_url, entry.api_key, entry.name) == (
        "openai", "http://127.0.0.1:11434/v1", None, "llama",
    )  # fmt: skip
    assert load_model_list({"LLM_API_KEY": "sk-1", "LLM_MODEL": "m"}).first.base_url == "https://api.openai.com/v1"
    assert load_model_list({"LLM_MODEL": "local"}).first.kind == "local"
    assert load_model_list({"LLM_MODEL": "offline"}).first.kind == "offline"


WRONG: list[tuple[object, str]] = [
    ("no-such-file.json", "LLM_CONFIG_LIST is neither JSON nor a file"),
    ("[{]", "LLM_CONFIG_LIST is not valid JSON"),
    ([], "at least one entry"),
    ({"model": "m"}, "must be a JSON list"),
    (["m"], "entry 1 must be an object"),
    ([{"name": "x"}], "'model' is missing"),
    ([{"model": "m", "modle": 1}], "unknown key 'modle'"),
    ([{"model": "m", "api_key": "sk-1"}], "name it in 'api_key_env'"),
    ([{"model": "m", "api_key_env": "NOT_SET"}], "NOT_SET is not set"),
    ([{"model": "m", "kind": "magic"}], "'kind' must be"),
    ([{"model": "m", "base_url": "ftp://x"}], "http:// or https://"),
    ([{"model": "m", "base_url": "http://x:port"}], "http:// or https://"),
    ([{"model": "m", "base_url": "http://a b"}], "http:// or https://"),
    ([{"model": "m", "timeout": 0}], "'timeout' must be a number from"),
    ([{"model": "m", "timeout": True}], "'timeout' must be a number from"),
    ([{"model": "m", "temperature": 3}], "'temperature' must be a number from"),
    ([{"model": "m", "max_tokens": 1.5}], "'max_tokens' must be a whole number"),
    ([{"model": "m", "price": {"input": -1, "output": 1}}], "zero or more"),
    ([{"model": "m", "price": {"in": 1}}], "'price' must be an object"),
    ([{"model": "m", "extra": {"messages": []}}], "may not set 'messages'"),
    ([{"model": "m", "extra": "x"}], "'extra' must be an object"),
    ([{"model": ""}], "'model' must be a text"),
    ([{"model": "m"}, {"model": "m"}], "two entries called 'm'"),
    ([{"kind": "offline", "base_url": "http://x"}], "belongs to kind 'openai'"),
]


@pytest.mark.parametrize(("config", "sentence"), WRONG)
def test_a_mistake_in_the_list_is_one_sentence_that_names_it(config: object, sentence: str) -> None:
    text = config if isinstance(config, str) else json.dumps(config)
    with pytest.raises(ModelConfigError) as caught:
        load_model_list({"LLM_CONFIG_LIST": text})
    told = str(caught.value)
    assert sentence in told
    assert told.endswith(".")
    assert "\n" not in told
    assert "LLM_CONFIG_LIST" in told


@pytest.mark.parametrize(
    ("env", "variable"),
    [
        ({"LLM_BASE_URL": "http://x/v1"}, "LLM_MODEL"),
        ({"LLM_MODEL": "gpt"}, "LLM_API_KEY"),
        ({"LLM_MODEL": "gpt", "LLM_BASE_URL": "x"}, "LLM_BASE_URL"),
        ({"LLM_MODEL": "gpt", "LLM_API_KEY": "sk-\u00e9"}, "LLM_API_KEY"),
    ],
)
def test_a_mistake_in_the_short_form_names_the_variable(env: dict[str, str], variable: str) -> None:
    with pytest.raises(ModelConfigError, match=variable):
        load_model_list(env)


@pytest.mark.requirement("A56")
def test_the_named_entry_comes_first_and_an_unknown_name_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    config = '[{"model": "a"}, {"model": "b"}, {"model": "c"}]'
    models = load_model_list({"LLM_CONFIG_LIST": config})
    assert [entry.name for entry in models.order("b")] == ["b", "a", "c"]
    assert [entry.name for entry in models.order(None)] == ["a", "b", "c"]
    assert not caplog.records
    assert [entry.name for entry in models.order("z")] == ["a", "b", "c"]
    assert "'z'" in caplog.text


def test_a_key_is_not_shown_when_an_entry_is() -> None:
    entry = ModelEntry(name="a", kind="openai", model="a", api_key="sk-secret")
    assert "sk-secret" not in f"{entry!r} {entry}"
