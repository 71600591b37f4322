"""Figures for programs: CSV and JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from swe_sleep.evaluate.figures.figures import Report
from swe_sleep.evaluate.figures.grid import Key

Row = Mapping[str, object]

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes a text for a formula by."""


def results_csv(report: Report) -> str:
    """One line a trial, those that are lost or were not run too."""
    return _csv(_results(report))


def figures_csv(report: Report) -> str:
    """One line a figure: which runs, arm, budgets, its name, its value, its interval, its p."""
    return _csv(_figures(report))


def plain(report: Report) -> dict[str, object]:
    """All figures, for JSON. What has no end is null."""
    groups = []
    for group in report.groups:
        built = msgspec.to_builtins(dataclasses.replace(group, rows=()), str_keys=True)
        built["rows"] = [
            {
                "task": row.task,
                "repo": row.repo,
                "trials": [
                    msgspec.to_builtins(dataclasses.replace(entry, home=None))
                    for entries in row.entries.values()
                    for entry in entries
                ],
            }
            for row in group.rows
        ]
        groups.append(_named(built))
    about = {"seed": report.seed, "confidence": report.confidence, "resamples": report.resamples}
    encoded = msgspec.json.encode(about | {"groups": groups})
    found: dict[str, object] = msgspec.json.decode(encoded)
    return found


def _named(built: object) -> object:
    """With the parts of every key by name."""
    if isinstance(built, list | tuple):
        return [_named(each) for each in built]
    if not isinstance(built, dict):
        return built
    return {
        name: dict(zip(Key._fields, value, strict=True))
        if name in ("key", "arm", "against") and isinstance(value, list | tuple)
        else _named(value)
        for name, value in built.items()
    }


def _results(report: Report) -> Iterator[Row]:
    for group in report.groups:
        for row in group.rows:
            for entries in row.entries.values():
                for entry in entries:
                    trial = entry.trial
                    yield {
                        "group": group.name,
                        "run": "" if entry.home is None else entry.home.name,
                        "task": trial.task,
                        "repo": row.repo,
                        "arm": trial.arm.value,
                        "budget": trial.budget,
                        "sleep": trial.sleep,
                        "seed": trial.seed,
                        "state": entry.state,
                        **_flat(entry.result),
                        "why": entry.why,
                    }


def _flat(result: object) -> dict[str, object]:
    """A result's fields, those of its usage and its counts apart."""
    if result is None:
        return {}
    flat: dict[str, object] = {}
    for name, value in msgspec.to_builtins(result).items():
        if name in ("trial", "repo", "why"):
            continue
        if isinstance(value, dict):
            flat |= value
        elif isinstance(value, list | tuple):
            flat |= {f"{name}_passed": value[0], f"{name}_of": value[1]}
        else:
            flat["trial_wall_s" if name == "wall_s" else name] = value
    return flat


def _figures(report: Report) -> Iterator[Row]:
    for group in report.groups:
        for cell in group.cells:
            key = {"group": group.name, "arm": cell.key.arm.value, "budget": cell.key.budget}
            key |= {"sleep": cell.key.sleep}
            fields = msgspec.to_builtins(cell, enc_hook=str, str_keys=True)
            for name, value in _leaves(fields):
                yield key | {"against": "", "figure": name, "value": value}
        for comparison in group.comparisons:
            arm, against = comparison.arm, comparison.against
            key = {"group": group.name, "arm": arm.arm.value, "budget": arm.budget}
            key |= {"sleep": arm.sleep, "against": against.arm.value}
            for found in comparison.differences:
                yield key | {
                    "figure": f"difference.{found.measure}",
                    "value": found.difference,
                    "low": found.interval and found.interval.low,
                    "high": found.interval and found.interval.high,
                    "repository_low": found.by_repository and found.by_repository.low,
                    "repository_high": found.by_repository and found.by_repository.high,
                    "n": found.pairs,
                    "left_out": found.left_out,
                    "higher": found.higher,
                    "lower": found.lower,
                    "p": found.p,
                    "p_holm": found.p_holm,
                    "verdict": found.verdict.value,
                }
        for predicted in group.predictability:
            key = {"group": group.name, "arm": predicted.key.arm.value}
            key |= {"budget": predicted.key.budget, "sleep": predicted.key.sleep, "against": "off"}
            for fifth in predicted.fifths:
                yield key | {
                    "figure": f"gain.{fifth.name}",
                    "value": fifth.gain,
                    "low": fifth.interval and fifth.interval.low,
                    "high": fifth.interval and fifth.interval.high,
                    "n": len(fifth.tasks),
                }


def _leaves(fields: object, name: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(fields, dict):
        for key, value in fields.items():
            if key != "key":
                yield from _leaves(value, f"{name}.{key}" if name else str(key))
    elif isinstance(fields, list | tuple):
        for place, value in enumerate(fields):
            named = value if isinstance(value, dict) else {}
            yield from _leaves(value, f"{name}.{named.get('unit', named.get('t', place))}")
    elif not isinstance(fields, str):
        yield name, fields


def _csv(rows: Iterable[Row]) -> str:
    held = list(rows)
    columns: Sequence[str] = list(dict.fromkeys(name for row in held for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in held)
    return out.getvalue()


def _cell(value: object) -> object:
    """Texts cannot act in a spreadsheet: what it would take for a formula gets a quote before."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        text = value.encode("utf-8", "backslashreplace").decode()
        return f"'{text}" if text.startswith(FORMULAS) else text
    return "" if value is None else value
