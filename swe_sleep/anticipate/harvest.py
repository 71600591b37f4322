"""Calls of chosen functions as the repository's own tests make them, written as Python source."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from swe_sleep.records import file_of
from swe_sleep.testing.tests import Tests

MODULE = "_swe_sleep_record"
SIBLINGS = ("describe", "rebuild", "functions")
TEST_S = 20.0
MOST_BYTES = 20_000_000


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
    recording = _Recording(tests.sandbox)
    recording.aim(targets, test_ids, per_function=per_function, entries=entries)
    recording.run(
        test_ids,
        timeout_s=timeout_s,
        test_timeout_s=min(TEST_S, timeout_s),
        strict=False,
        stop=stop,
    )
    found: dict[tuple[str, str], list[Call]] = {}
    for call in recording.calls():
        found.setdefault((call.path, call.qualname), []).append(call)
    return found


class _Recording(Tests):
    """Test runs that are looked at."""

    @property
    def folder(self) -> str:
        return posixpath.join(self.sandbox.scratch, "recording")

    def job(
        self, test_ids: Sequence[str] | None, *, timeout_s: float, test_timeout_s: float
    ) -> dict[str, Any]:
        job = super().job(test_ids, timeout_s=timeout_s, test_timeout_s=test_timeout_s)
        return job | {
            "path": [*job["path"], self.folder],
            "options": ["-p", MODULE, *job["options"]],
        }

    def aim(
        self,
        targets: Mapping[str, Sequence[str]],
        test_ids: Sequence[str],
        *,
        per_function: int,
        entries: bool,
    ) -> None:
        """Say what is to be written down."""
        inside = files("swe_sleep.anticipate.inside")
        programs = {f"{name}.py": (inside / f"{name}.py").read_bytes() for name in SIBLINGS}
        programs[f"{MODULE}.py"] = (inside / "record.py").read_bytes()
        job = {
            "root": self.sandbox.workdir,
            "targets": {path: [[name] for name in names] for path, names in targets.items()},
            "tests": sorted({posixpath.join(self.sandbox.workdir, file_of(t)) for t in test_ids}),
            "entries": entries,
            "per_function": per_function,
            "out": self._out,
        }
        programs["record.json"] = json.dumps(job).encode()
        self.sandbox.put({posixpath.join(self.folder, n): c for n, c in programs.items()})
        self.sandbox.put({self._out: None})

    @property
    def _out(self) -> str:
        return posixpath.join(self.folder, "calls.jsonl")

    def calls(self) -> Iterable[Call]:
        """What was written down."""
        try:
            text = self.sandbox.get(self._out, limit_bytes=MOST_BYTES)
        except FileNotFoundError:
            return
        for line in text.decode(errors="replace").splitlines():
            call = _read(line)
            if call is not None:
                yield call


def _read(line: str) -> Call | None:
    """One call; None for a line that is not as we write them."""
    try:
        raw = json.loads(line)
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
