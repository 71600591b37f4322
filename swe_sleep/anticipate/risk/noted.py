"""What the risk note says, for whoever decides where to look first. Loads no numpy."""

from __future__ import annotations

from swe_sleep.notes import kinds
from swe_sleep.notes.kinds import RiskData, RiskItem
from swe_sleep.notes.view import View


def risk(view: View) -> RiskData | None:
    """The newest that is known, of an older commit if need be: risk changes slowly."""
    seen = view.get(kinds.RISK)
    return seen.data(RiskData) if seen is not None else None


def risky(view: View, *, per_line: bool = False) -> list[tuple[str, str, float]]:
    """Functions as (path, qualname, score), riskiest first; `per_line` ranks by the risk that a
    line read is worth. Empty before the first risk pass."""
    data = risk(view)
    if data is None:
        return []
    items = sorted(data.functions, key=lambda each: -each.density) if per_line else data.functions
    return [(each.path, each.qualname, each.score) for each in items]


def of_path(view: View, path: str) -> tuple[RiskItem | None, list[RiskItem]]:
    """A file's own risk, and that of its functions that are noted, riskiest first."""
    data = risk(view)
    if data is None:
        return None, []
    whole = next((each for each in data.files if each.path == path), None)
    return whole, [each for each in data.functions if each.path == path]


def in_words(item: RiskItem) -> str:
    """The risk of an item in one line."""
    said = f"{item.score:.0%} likely to be touched by a fix within a year"
    if item.uncovered:
        said += f"; {item.uncovered:.0%} of its lines run in no test"
    return f"{said}: {', '.join(item.why)}" if item.why else said
