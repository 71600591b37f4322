"""A test that an issue's text gives, shown to fail for the reason that the text gives.

The text's code is a stranger's: it runs only inside the sandbox, under its limits. A test is kept
only where the code as it is does what the text says it does: the stated exception comes, or the
value is not the expected one and, where the text gives it, is the stated one.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import PurePosixPath

from swe_sleep.notes.evidence import Failing
from swe_sleep.records import Coverage, Outcome, TestResult, TestRun
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.solve.reproduction.claims import Claim, Standing, claims_of
from swe_sleep.solve.reproduction.names import Names
from swe_sleep.solve.reproduction.parts import Raised
from swe_sleep.solve.reproduction.targets import HANGS
from swe_sleep.solve.reproduction.writing import Written, source, written
from swe_sleep.testing.discovery import find_test_files
from swe_sleep.testing.tests import Tests

MOST_TESTS = 6
TEST_S = 20.0
RUN_S = 120.0
"""For the probes of one issue together."""
FOREIGN = frozenset(
    {
        "NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError",
        "FileNotFoundError", "ConnectionError", "gaierror", "URLError", "HTTPError", "Failed",
        "PermissionError", "MemoryError",
    }
)  # fmt: skip
"""What an example raises that was not made for this place; no reason unless the text names it."""

FROM_THE_TEXT = "written from the issue's text"
AT_SLEEP_TIME = "written at sleep time"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A written test: where it stands, its text, and its tests as they fail on the snapshot."""

    path: str
    source: str
    failing: tuple[Failing, ...]
    weak: str = ""
    """Empty, or why a patch that passes it may still be wrong, in one line."""
    silences: bool = False
    """A patch that merely hides an exception would pass it."""
    by: str = FROM_THE_TEXT
    """How it came about."""

    @property
    def test_ids(self) -> tuple[str, ...]:
        return tuple(test.id for test in self.failing)

    @property
    def files(self) -> dict[str, bytes | None]:
        return {self.path: self.source.encode()}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a text. `why` says in one line why there is no test, if there is none."""

    reproduction: Reproduction | None = None
    why: str = ""
    tried: int = 0
    """Claims of the text that were run."""
    runs: int = 0


def reproduce(
    text: str,
    snapshot: Snapshot,
    tests: Tests,
    *,
    test_s: float = TEST_S,
    progress: Callable[[str], None] = lambda line: None,
    stop: Callable[[], bool] | None = None,
) -> Attempt:
    """Try to make a test of the text. The sandbox is reset to its snapshot at the end. Raises
    TestsError and what the sandbox raises."""
    claims = claims_of(text)
    if not claims:
        return Attempt(why="the text has no example with a result that could be tested")
    names = Names(snapshot)
    items = [item for claim in claims if (item := written(claim, names)) is not None]
    if not items:
        return Attempt(why="the text's examples use names that are not to be found here")
    where = _Place(snapshot, text)
    progress(f"running what the text says, {len(items)} examples")
    try:
        kept = _probe(items, text, where, tests, min(test_s, TEST_S), stop)
        chosen = choose([item for item, _ in kept])
        if not chosen:
            why = "no example of the text does here what the text says it does"
            return Attempt(why=why, tried=len(items), runs=1)
        title = next((line for line in text.splitlines() if line.strip()), "").strip("# ")
        for group in (chosen, chosen[:1]):
            made = _write(group, text, where, title, tests, min(test_s, TEST_S), stop)
            if made is not None:
                return Attempt(made, tried=len(items), runs=2)
        return Attempt(
            why="the test of the text does not fail every time", tried=len(items), runs=3
        )
    finally:
        tests.sandbox.reset()


class _Place:
    """Names of files beside the project's tests that nothing there has."""

    def __init__(self, snapshot: Snapshot, text: str) -> None:
        folders = Counter(str(PurePosixPath(path).parent) for path in find_test_files(snapshot))
        best = max(folders, key=lambda folder: (folders[folder], -len(folder), folder), default=".")
        self._folder = "" if best == "." else f"{best}/"
        taken = {PurePosixPath(path).stem for path in snapshot.files}
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        length = 8
        while any(name.startswith(f"test_issue_{digest[:length]}") for name in taken):
            length += 1
        self._stem = f"test_issue_{digest[:length]}"

    def path(self, number: int = 0) -> str:
        return f"{self._folder}{self._stem}{f'_{number}' if number else ''}.py"


def _probe(
    items: Sequence[Written],
    said: str,
    where: _Place,
    tests: Tests,
    test_s: float,
    stop: Callable[[], bool] | None,
) -> list[tuple[Written, TestResult]]:
    """Those that fail for the stated reason. Each has a file of its own, so that one that can not
    be read spoils no other."""
    files: dict[str, bytes | None] = {}
    named: list[tuple[Written, str, str, str]] = []
    for number, item in enumerate(items, 1):
        path = where.path(number)
        text, (test,), (check,) = source([item], today=True)
        files[path] = text.encode("utf-8", "replace")
        named.append((item, path, f"{path}::{test}", f"{path}::{check}" if check else ""))
    tests.sandbox.put(files)
    run = tests.run(list(files), timeout_s=RUN_S, test_timeout_s=test_s, strict=False, stop=stop)
    tests.sandbox.reset()
    found = []
    for item, path, test, check in named:
        result = run.result(test)
        today = run.result(check) if check else None
        agrees = not check or (today is not None and today.outcome is Outcome.PASSED)
        if result is not None and agrees and for_the_reason(item.claim, result, path, said):
            found.append((item, result))
    return found


def for_the_reason(claim: Claim, result: TestResult, path: str, said: str = "") -> bool:
    """Whether a claim's test fails because of what the text says: where it tells what the value
    should be, also by an exception of the library's that it names anywhere."""
    stated = claim.raised
    if stated is not None and stated.name == HANGS:
        return result.outcome is Outcome.TIMEOUT
    if result.outcome is not Outcome.FAILED:
        return False
    name, _, message = result.message.partition(":")
    name = name.strip().rpartition(".")[2]
    here = bool(result.frames) and result.frames[-1].path == path
    if claim.kind == "raises":
        return "DID NOT RAISE" in result.message or (
            stated is not None and _is(stated, name, message, here)
        )
    if stated is not None:
        return _is(stated, name, message, here)
    if claim.kind == "value" and claim.standing is Standing.STATED and not here and name:
        return name not in FOREIGN and re.search(rf"\b{re.escape(name)}\b", said) is not None
    return name == "AssertionError" and here


def _is(stated: Raised, name: str, message: str, here: bool) -> bool:
    """Whether this is the exception that the text gives. One without a name counts only where the
    library raised it, and not the example."""
    if not stated.name:
        return not here and name not in FOREIGN
    if stated.name != name or (name == "NameError" and here):
        return False
    return not stated.message or _alike(stated.message, message)


def _alike(stated: str, message: str) -> bool:
    one, other = _normal(stated), _normal(message)
    if not one or not other:
        return True
    return one in other or other in one or SequenceMatcher(None, one, other).ratio() >= 0.6


def _normal(text: str) -> str:
    text = re.sub(r"0x[0-9a-fA-F]+|\d+", "0", text.partition("\n")[0][:400].lower())
    return re.sub(r"[\s'\"`]+", " ", text).strip(" .")


def choose(items: Sequence[Written]) -> list[Written]:
    """The surest of what was shown to fail, the weaker ones only where there are no others."""
    by = {standing: [i for i in items if i.claim.standing is standing] for standing in Standing}
    named = [i for i in by[Standing.RAISES] if i.claim.raised and i.claim.raised.name]
    chosen = by[Standing.STATED] + named
    if not by[Standing.STATED]:
        chosen = by[Standing.IMPLIED] + (named or by[Standing.RAISES])
    return (chosen or _ends(by[Standing.DIFFERS]))[:MOST_TESTS]


def _ends(items: Sequence[Written]) -> list[Written]:
    """Without what an example shows on its way: that it should not be so is said of its end."""
    on_the_way = {step for item in items for step in item.claim.setup}
    return [item for item in items if item.claim.code not in on_the_way] or list(items)


def _write(
    items: Sequence[Written],
    said: str,
    where: _Place,
    title: str,
    tests: Tests,
    test_s: float,
    stop: Callable[[], bool] | None,
) -> Reproduction | None:
    """The test's file as it would stay; None where a test of it does not fail again."""
    text, names, _ = source(items, today=False, title=title)
    path = where.path()
    tests.sandbox.put({path: text.encode("utf-8", "replace")})
    run: TestRun = tests.run(
        [path], timeout_s=RUN_S, test_timeout_s=test_s, coverage=True, strict=False, stop=stop
    )
    tests.sandbox.reset()
    lines = (run.coverage or Coverage()).lines
    failing: list[Failing] = []
    for name, item in zip(names, items, strict=True):
        result = run.result(f"{path}::{name}")
        if result is None or not for_the_reason(item.claim, result, path, said):
            return None
        failing.append(Failing(result, lines.get(result.test_id, {}), None))
    weak = _weakness([item.claim for item in items])
    silences = all(item.claim.kind == "runs" for item in items)
    return Reproduction(path, text, tuple(failing), weak, silences)


def _weakness(claims: Sequence[Claim]) -> str:
    best = min(claims, key=lambda claim: claim.standing)
    if best.standing is Standing.STATED:
        return ""
    if best.standing is Standing.RAISES:
        name = best.raised.name if best.raised else ""
        if name == HANGS:
            return "only that it comes to an end"
        return f"only that it no longer raises {name or 'an exception'}"
    if best.standing is Standing.IMPLIED:
        return f"that it should give {best.expected[:60]} is only implied by the text"
    return f"only that it no longer gives {' '.join(best.actual.split())[:60]}"
