"""Calls of chosen functions as the repository's own tests make them, written as Python source."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swe_sleep.anticipate.plugged import Plugged
from swe_sleep.records import file_of
from swe_sleep.testing.tests import Tests

SIBLINGS = ("describe", "rebuild", "functions")
TEST_S = 20.0


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function seen in a test run, as source that makes it again."""

    path: str
    qualname: str
    test_id: str
    receiver: str
    """The object or class that it is called on; "" for a plain function."""
    arguments: tuple[str, ...] = ()
    keywords: Mapping[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    """The import lines that these, and the function itself, need."""
    raised: str = ""
    """The exception's type, "" where it returned."""
    result: str = ""
    """The repr of what it returned, cut; "" where it is not known."""
    kind: str = "function"
    """function, method, classmethod, static, property or constructor."""

    @property
    def name(self) -> str:
        return self.qualname.rpartition(".")[2]

    @property
    def expression(self) -> str:
        """The call itself."""
        parts = [*self.arguments, *(f"{name}={text}" for name, text in self.keywords.items())]
        if self.kind == "constructor":
            return f"{self.receiver}({', '.join(parts)})"
        called = f"{self.receiver}.{self.name}" if self.receiver else self.qualname
        return called if self.kind == "property" else f"{called}({', '.join(parts)})"


def harvest(
    tests: Tests,
    targets: Mapping[str, Sequence[str]],
    test_ids: Sequence[str],
    *,
    timeout_s: float,
    per_function: int = 20,
    entries: bool = False,
    stop: Callable[[], bool] | None = None,
) -> dict[tuple[str, str], list[Call]]:
    """Run these tests and give back different calls of the targets (qualified names by path), by
    (path, qualified name), as they came; each was built again from its source once, and looked the
    same. With `entries` also the calls that the tests make themselves and that lead to a target.

    Raises what the sandbox raises, and TestsError.
    """
    if not test_ids or not targets:
        return {}
    recording = Plugged(tests.sandbox, "record", SIBLINGS)
    root = tests.sandbox.workdir
    recording.plug(
        {
            "targets": {path: [[name] for name in names] for path, names in targets.items()},
            "tests": sorted({posixpath.join(root, file_of(test)) for test in test_ids}),
            "entries": entries,
            "per_function": per_function,
        }
    )
    recording.run(
        test_ids,
        timeout_s=timeout_s,
        test_timeout_s=min(TEST_S, timeout_s),
        strict=False,
        stop=stop,
    )
    found: dict[tuple[str, str], list[Call]] = {}
    for call in filter(None, map(_read, recording.rows())):
        found.setdefault((call.path, call.qualname), []).append(call)
    return found


def _read(raw: Mapping[str, Any]) -> Call | None:
    """One call; None for what is not as we write them."""
    try:
        return Call(
            path=str(raw["path"]),
            qualname=str(raw["qualname"]),
            test_id=str(raw["test_id"]),
            receiver=str(raw["receiver"]),
            arguments=tuple(map(str, raw["arguments"])),
            keywords={str(k): str(v) for k, v in dict(raw["keywords"]).items()},
            imports=tuple(map(str, raw["imports"])),
            raised=str(raw["raised"]),
            result=str(raw["result"]),
            kind=str(raw["kind"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
