"""The figures as CSV: a line for each arm with its budgets."""

from __future__ import annotations

import csv
import io

from swe_sleep.evaluate.figures.statistics import Interval
from swe_sleep.evaluate.stateful.costs import Measure
from swe_sleep.evaluate.stateful.figures import Figures


def as_csv(figures: Figures, weights: tuple[float, ...]) -> str:
    """Every figure has its column; what is not known is empty."""
    sleeping = {(each.key.arm, each.key.sleep): each for each in figures.sleeps}
    costs = {(each.key, each.measure): each for each in figures.costs}
    against_off = {each.key: each for each in figures.differences if each.against.arm == "off"}
    lines: list[dict[str, object]] = []
    for row in figures.rows:
        line: dict[str, object] = {
            "arm": row.key.arm.value,
            "budget": row.key.budget,
            "sleep": row.key.sleep,
            "queries": row.queries,
            "answers": row.answers,
            "unanswered": row.unanswered,
            "accuracy": row.accuracy,
            **_interval("accuracy", row.interval),
            "input_tokens": row.input_tokens,
            "cached_tokens": row.cached_tokens,
            "cache_write_tokens": row.cache_write_tokens,
            "output_tokens": row.output_tokens,
            "usd": row.usd,
            "seconds": row.seconds,
        }
        slept = sleeping.get((row.key.arm, row.key.sleep))
        line["sleep_tokens_a_text"] = slept.tokens if slept else None
        line["sleep_generated_a_text"] = slept.generated if slept else None
        line["sleep_usd_a_text"] = slept.usd if slept else None
        difference = against_off.get(row.key)
        line["difference_to_off"] = difference.difference if difference else None
        line |= _interval("difference", difference.interval if difference else None)
        line["p"] = difference.p if difference else None
        line["p_holm"] = difference.p_holm if difference else None
        line["verdict"] = difference.verdict if difference else None
        for measure in Measure:
            found = costs.get((row.key, measure))
            for t in weights:
                name = f"{measure}_t{t:g}"
                line[f"cost_{name}"] = found.per_query.get(t) if found else None
                line[f"cost_off_{name}"] = found.off_per_query.get(t) if found else None
                for against in ("break_even", "break_even_matched"):
                    even = (getattr(found, against, None) or {}).get(t)
                    line[f"{against}_{name}"] = even and even.n
                    line |= _interval(f"{against}_{name}", even and even.interval)
        lines.append(line)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(lines[0]) if lines else ["arm"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def _interval(name: str, interval: Interval | None) -> dict[str, object]:
    return {
        f"{name}_low": interval.low if interval else None,
        f"{name}_high": interval.high if interval else None,
    }
