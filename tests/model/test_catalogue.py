"""Prices and abilities are data, may be overridden, and are never guessed."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import pytest

from swe_sleep.config import DEFAULT_MODEL, Effort
from swe_sleep.errors import ConfigError
from swe_sleep.model.catalogue import abilities, plain_name, prices
from swe_sleep.records import Usage


def test_the_sdk_knows_every_model_in_the_lists() -> None:
    from anthropic.types import ModelParam

    known = {name for part in get_args(ModelParam) for name in get_args(part)}
    text = resources.files("swe_sleep.model").joinpath("models.toml").read_text()
    assert set(tomllib.loads(text)["models"]) <= known
    assert set(prices().lines) <= known
    assert DEFAULT_MODEL in known


def test_every_level_of_effort_is_one_the_sdk_takes() -> None:
    from anthropic.types import OutputConfigParam

    hint = str(OutputConfigParam.__annotations__["effort"])
    assert all(f"'{level}'" in hint or f'"{level}"' in hint for level in get_args(Effort))


def test_the_default_has_a_price_and_thinks() -> None:
    assert prices().of(DEFAULT_MODEL, 1) is not None
    assert abilities(DEFAULT_MODEL).thinking == "always"


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("us.anthropic.claude-opus-4-6-v1:0", "claude-opus-4-6"),
        ("claude-sonnet-5@20260630", "claude-sonnet-5"),
        ("claude-opus-5-20260724", "claude-opus-5"),
        ("house-model", "house-model"),
    ],
)
def test_a_platforms_name_for_a_model(given: str, plain: str) -> None:
    assert plain_name(given) == plain


def test_cost_by_the_kind_of_token() -> None:
    usage = Usage(
        input_tokens=1_000_000,
        cache_read_tokens=1_000_000,
        cache_write_tokens=1_000_000,
        output_tokens=1_000_000,
    )
    assert prices().cost_usd("claude-opus-5-5", usage) == pytest.approx(4 + 0.2 + 5 + 20)


def test_a_price_may_depend_on_the_length_of_the_prompt() -> None:
    short, long = Usage(input_tokens=100_000), Usage(input_tokens=50_000, cache_read_tokens=50_001)
    assert prices().cost_usd("claude-haiku-5-5", short) == pytest.approx(0.01)
    assert prices().cost_usd("claude-haiku-5-5", long) == pytest.approx(0.025 + 0.00250005)


def test_no_price_is_guessed() -> None:
    assert prices().cost_usd("claude-opus-99", Usage(input_tokens=5)) is None
    assert prices().cost_usd("us.anthropic.claude-opus-5-5", Usage(input_tokens=5)) is None


def test_a_list_of_ones_own_replaces_model_by_model(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(
        '[[price]]\nmodels = ["claude-opus-5-5", "house"]\n'
        "input = 1\ncache_write = 1\ncache_read = 1\noutput = 1\n"
    )
    table = prices(own)
    million = Usage(output_tokens=1_000_000)
    assert table.cost_usd("claude-opus-5-5", million) == 1
    assert table.cost_usd("house", million) == 1
    assert table.cost_usd("claude-opus-5", million) == 25


@pytest.mark.parametrize("text", ["[[price]]\nmodels = [", "[[price]]\nmodels = ['x']\n", "a = 1"])
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(text)
    with pytest.raises(ConfigError, match=r"prices\.toml is not a price list"):
        prices(own)


@pytest.mark.parametrize(
    ("provider", "model", "region", "input_usd"),
    [
        ("anthropic", "claude-opus-5-5", "", 4.0),
        ("anthropic", "us.anthropic.claude-opus-5-5-v1:0", "", None),
        ("bedrock", "us.anthropic.claude-opus-5-5-v1:0", "", 4.4),
        ("bedrock", "global.anthropic.claude-opus-5-5-v1:0", "eu-west-1", 4.0),
        ("vertex", "claude-opus-4-5@20251101", "global", 5.0),
        ("vertex", "claude-opus-5-5", "europe-west1", 4.4),
        ("vertex", "claude-opus-5-5", "", 4.4),
        ("foundry", "claude-opus-5-5", "", 4.0),
        ("foundry", "my-deployment", "", None),
    ],
)
def test_what_a_platform_takes(
    provider: Any, model: str, region: str, input_usd: float | None
) -> None:
    price = prices().on(provider, model, region).of(model, 10)
    assert (None if price is None else pytest.approx(price.input)) == input_usd


def test_a_price_of_ones_own_is_the_platforms(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'date = "2026-12-01"\n[[price]]\nmodels = ["my-deployment"]\n'
        "input = 3.0\ncache_write = 3.0\ncache_read = 3.0\noutput = 3.0\n"
    )
    price = prices(own).on("bedrock", "my-deployment", "").of("my-deployment", 10)
    assert price is not None
    assert price.input == 3.0
