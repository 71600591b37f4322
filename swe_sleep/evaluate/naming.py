"""Names of tests as SWE-bench writes them, and which results they mean.

Its lists were read from the logs of runs, so a name may be cut at the first blank, or in the middle
of its parameters; it may be a bare function (sympy), or not be pytest's at all (django).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from swe_sleep.records import Outcome, TestRun, file_of
from swe_sleep.testing.tests import NO_SUCH_TEST

_BARE = re.compile(r"test_\w*")
_PROGRESS = re.compile(r"\[\s*\d+%\]")
"""Of a progress line that was taken for a test."""


def is_runnable(name: str) -> bool:
    """Whether pytest can be made to run what the name means."""
    path, mark, _ = name.partition("::")
    known = bool(mark) or path.endswith((".py", ".rst", ".txt", ".md"))
    return known or bool(_BARE.fullmatch(name) or _PROGRESS.fullmatch(name))


def files_named(names: Iterable[str], hidden: Sequence[str]) -> tuple[str, ...]:
    """The files that the named tests are in, first the hidden ones. A bare function may be in any
    of those."""
    found = dict.fromkeys(hidden)
    held = dict.fromkeys(path for name in names if (path := _file(name)))
    bare = any(_BARE.fullmatch(name) for name in names)
    first = [path for path in found if path in held or (bare and path.endswith(".py"))]
    return tuple(dict.fromkeys((*first, *sorted(held))))


def _file(name: str) -> str:
    path = file_of(name)
    return "" if _BARE.fullmatch(path) or _PROGRESS.fullmatch(path) else path


class Outcomes:
    """What became of the tests of a run, asked for by name."""

    def __init__(self, run: TestRun) -> None:
        self._exact: dict[str, str] = {}
        self._cut: dict[str, list[str]] = {}
        self._bare: dict[str, list[str]] = {}
        for result in run.results:
            if result.message == NO_SUCH_TEST:
                continue
            said = "passed" if result.expected else str(result.outcome)
            self._exact[result.test_id] = said
            _, _, inner = result.test_id.partition("::")
            if not inner:
                continue
            for name in {result.test_id.split()[0], _shortened(result.test_id)}:
                self._cut.setdefault(name, []).append(said)
            function = inner.partition("[")[0].rpartition("::")[2]
            self._bare.setdefault(function, []).append(said)

    def of(self, name: str) -> str:
        """As `Grade` has it."""
        if name in self._exact:
            return self._exact[name]
        if _PROGRESS.fullmatch(name):
            return "passed"
        several = self._cut.get(name) or self._bare.get(name)
        if several is None and name.count("[") > name.count("]"):
            several = [said for key, said in self._exact.items() if key.startswith(name)]
        if several:
            # Of several that are written alike, a log's last line counts, and pytest tells the
            # failures last; where only the beginning is alike, they must agree.
            return next((said for said in several if said != "passed"), "passed")
        whole = self._exact.get(file_of(name))
        return whole if whole in (Outcome.ERROR, Outcome.TIMEOUT) else "missing"


def _shortened(test_id: str) -> str:
    """A parameter that is an absolute path is told by its last part alone, by some of the log
    readers."""
    main, mark, rest = test_id.partition("[")
    option, closed, _ = rest.rpartition("]")
    if not (mark and closed) or not option.startswith("/") or option.startswith("//"):
        return test_id
    return test_id if "*" in option else f"{main}[/{option.rsplit('/', 1)[-1]}]"
