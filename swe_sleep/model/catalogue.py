"""What is known of each model: what it takes (`models.toml`) and costs (`prices.toml`)."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from swe_sleep.config import Provider
from swe_sleep.errors import ConfigError
from swe_sleep.records import Usage


@dataclass(frozen=True, slots=True)
class Abilities:
    """What may be sent to a model. The defaults are for one that is not listed."""

    thinking: Literal["always", "adaptive", "none"] = "none"
    off: Literal["", "disabled", "between_tools"] = ""
    """The `thinking.type` that turns it off, where leaving it out does not."""
    effort: tuple[str, ...] = ()
    bound: bool = True
    context: int = 200_000
    max_output: int = 32_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens, for prompts of at most `up_to` tokens (None: any)."""

    input: float
    cache_write: float
    cache_read: float
    output: float
    up_to: int | None = None

    def times(self, factor: float) -> Price:
        return Price(
            self.input * factor,
            self.cache_write * factor,
            self.cache_read * factor,
            self.output * factor,
            self.up_to,
        )

    def cost_usd(self, usage: Usage) -> float:
        return (
            usage.input_tokens * self.input
            + usage.cache_write_tokens * self.cache_write
            + usage.cache_read_tokens * self.cache_read
            + usage.output_tokens * self.output
        ) / 1e6


def _data(name: str) -> dict[str, Any]:
    text = resources.files("swe_sleep.model").joinpath(name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def plain_name(model: str) -> str:
    """The model's own name in what a cloud platform calls it: without the platform's prefix,
    region, date and revision."""
    match = re.search(r"claude-[a-z]+(?:-\d{1,2}){1,2}(?=$|[-@:])", model)
    return match.group() if match else model


@cache
def abilities(model: str) -> Abilities:
    found = _data("models.toml")["models"].get(plain_name(model))
    if found is None:
        return Abilities()
    return Abilities(
        thinking=found["thinking"],
        off=found.get("off", ""),
        effort=tuple(found["effort"]),
        bound=found["bound"],
        context=found["context"],
        max_output=found["max_output"],
    )


@dataclass(frozen=True, slots=True)
class Prices:
    """A price list. A name must be listed as it stands, but for names that a platform gives to
    models: there `factor` is what the platform takes of the listed price."""

    date: str
    lines: Mapping[str, tuple[Price, ...]]
    own: frozenset[str] = frozenset()
    """Names in a person's own list, whose prices are the platform's."""
    factor: float | None = None
    """None: the model is asked for at Anthropic's own API."""
    premium: float = 0.0
    batch: float = 1.0
    """What a request in a message batch takes of the price; for a person's own list as it says."""
    own_batch: float = 1.0

    def of(self, model: str, prompt_tokens: int) -> Price | None:
        """The price of a request with so many prompt tokens; None where none is known."""
        lines = self.lines.get(model)
        factor = 1.0
        if self.factor is not None and model not in self.own:
            lines, factor = lines or self.lines.get(plain_name(model)), self.factor
        for price in lines or ():
            if price.up_to is None or prompt_tokens <= price.up_to:
                return price if factor == 1.0 else price.times(factor)
        return None

    def on(self, provider: Provider, model: str, region: str) -> Prices:
        """The list as a platform has it: its global endpoints cost what Anthropic's own API does,
        regional ones more. Where the region is not known the dearer is taken."""
        if provider == "anthropic":
            return self
        everywhere = model.startswith("global.") if provider == "bedrock" else region == "global"
        dearer = provider != "foundry" and not everywhere
        return dataclasses.replace(self, factor=1.0 + (self.premium if dearer else 0.0))

    def in_batch(self) -> Prices:
        """The list for message batches, which Anthropic's own API alone has."""
        lines = {
            model: tuple(
                price.times(self.own_batch if model in self.own else self.batch) for price in prices
            )
            for model, prices in self.lines.items()
        }
        return dataclasses.replace(self, lines=lines, batch=1.0, own_batch=1.0)

    def cost_usd(self, model: str, usage: Usage) -> float | None:
        """What one request cost; None where no price is known, never a guess."""
        price = self.of(model, usage.prompt_tokens)
        return None if price is None else price.cost_usd(usage)


def prices(override: Path | None = None) -> Prices:
    """The bundled list, with the models of a list of your own in place of theirs.

    Raises ConfigError for a file that is not such a list.
    """
    known = _parse(_data("prices.toml"))
    if override is None:
        return known
    try:
        own = _parse(tomllib.loads(override.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{override} is not a price list: {error}.", "It needs [[price]] tables."
        ) from error
    return Prices(
        own.date,
        {**known.lines, **own.lines},
        frozenset(own.lines),
        premium=known.premium,
        batch=known.batch,
        own_batch=own.batch,
    )


def _parse(data: Mapping[str, Any]) -> Prices:
    lines: dict[str, list[Price]] = {}
    for entry in data["price"]:
        price = Price(
            input=float(entry["input"]),
            cache_write=float(entry["cache_write"]),
            cache_read=float(entry["cache_read"]),
            output=float(entry["output"]),
            up_to=entry.get("up_to"),
        )
        for model in entry["models"]:
            lines.setdefault(model, []).append(price)
    for own in lines.values():
        own.sort(key=lambda price: float("inf") if price.up_to is None else price.up_to)
    return Prices(
        str(data.get("date", "")),
        {m: tuple(p) for m, p in lines.items()},
        premium=float(data.get("regional_premium", 0.0)),
        batch=float(data.get("batch_factor", 1.0)),
    )
