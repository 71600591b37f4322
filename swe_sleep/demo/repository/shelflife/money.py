"""Amounts of money, as whole pence.

Floats are never used: a price that is read, discounted and added up is exact to the penny.
"""

from __future__ import annotations

import re

_PRICE = re.compile(r"(?P<pounds>\d+)\.(?P<pence>\d\d)|(?P<small>\d+)p")


class BadPrice(ValueError):
    """A text that is not a price."""


def parse(text: str) -> int:
    """Pence from a price as people write it: "1.35", "0.85" or "85p"."""
    found = _PRICE.fullmatch(text.strip())
    if found is None:
        raise BadPrice(f"not a price: {text!r}")
    if found["small"]:
        return int(found["small"])
    return int(found["pounds"]) * 100 + int(found["pence"])


def show(amount: int) -> str:
    """An amount as it is printed on a receipt: 135 is "1.35", -5 is "-0.05"."""
    sign = "-" if amount < 0 else ""
    pounds, pence = divmod(abs(amount), 100)
    return f"{sign}{pounds}.{pence:02}"


def percent_of(amount: int, percent: int) -> int:
    """So many percent of an amount; half a penny rounds up."""
    return (amount * percent + 50) // 100


def contained_vat(amount: int, rate: int) -> int:
    """The VAT inside an amount that contains it; half a penny rounds up."""
    return (2 * amount * rate + 100 + rate) // (2 * (100 + rate))


def split(amount: int, parts: int) -> list[int]:
    """Share an amount out evenly; what does not divide goes to the first parts, a penny each."""
    if parts < 1:
        raise ValueError(f"cannot split into {parts} parts")
    each, rest = divmod(amount, parts)
    return [each + 1] * rest + [each] * (parts - rest)
