"""The one verification of a patch, whoever made it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from swe_sleep.errors import UnknownTest
from swe_sleep.records import Proof, TestRun, file_of
from swe_sleep.testing.tests import Tests

Files = Mapping[str, bytes | None]
"""Content by path; None where there is no such file."""

REPEATS = 2
ALONE = 20
"""So many newly failing tests are run again each by itself; more only all together."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Time limits of a verification: of each run of tests, and of one test."""

    run_s: float = 600.0
    suite_s: float = 1800.0
    test_s: float = 60.0


def verify(
    tests: Tests,
    files: Files,
    *,
    reproducing: Sequence[str],
    impacted: Sequence[str] = (),
    known_bad: Collection[str] = (),
    whole_suite: bool = False,
    added: Files | None = None,
    before: TestRun | None = None,
    bounds: Bounds | None = None,
    progress: Callable[[str], None] = lambda text: None,
    stop: Callable[[], bool] | None = None,
) -> Proof:
    """Prove or refuse a patch, given as the new content of each path it touches.

    The reproducing tests must be bad on the snapshot and pass with the patch; then the impacted
    tests run, and the whole suite where asked for. A test that now fails counts as broken only if
    it fails alone too, twice, and passes without the patch; `known_bad` saves that for tests known
    to fail before. `added` are files, such as a new reproducing test, that are put in before and
    after. `before` may be given where the same tests already ran on the same snapshot.

    With no reproducing test a proof that holds says only that nothing broke. The sandbox is reset
    to its snapshot first and last. Raises UnknownTest where a reproducing test does not exist.
    """
    nothing = TestRun()
    refused = refusal(tests, files, reproducing, added or {})
    if refused:
        return Proof(before or nothing, nothing, refused=refused)
    trial = _Trial(tests, files, added or {}, bounds or Bounds(), progress, stop)
    try:
        return _prove(trial, reproducing, impacted, known_bad, whole_suite, before)
    finally:
        tests.sandbox.reset()


def refusal(tests: Tests, files: Files, reproducing: Sequence[str], added: Files) -> str:
    """Why these files can not be a patch at all, or ""."""
    if not files:
        return "the patch changes nothing"
    own = {file_of(test_id) for test_id in reproducing} | set(added)
    for path in sorted(files):
        parts = path.split("/")
        if path.startswith("/") or not all(parts) or {".", ".."} & set(parts):
            return f"the patch writes outside the repository: {path}"
        if any(part.lower() == ".git" for part in parts):
            return f"the patch writes into git's own folder: {path}"
        if path in own:
            return f"the patch changes a reproducing test's file: {path}"
        if parts[-1] == "conftest.py" and any(
            file.startswith(path.removesuffix("conftest.py")) for file in own
        ):
            return f"the patch changes what a reproducing test is set up with: {path}"
    tests.sandbox.reset()
    if all(_content(tests, path) == content for path, content in files.items()):
        return "the patch changes nothing"
    return ""


def _content(tests: Tests, path: str) -> bytes | None:
    try:
        return tests.sandbox.get(path)
    except FileNotFoundError:
        return None


@dataclass
class _Trial:
    """The snapshot with and without the patch, one at a time in the sandbox."""

    tests: Tests
    files: Files
    added: Files
    bounds: Bounds
    progress: Callable[[str], None]
    stop: Callable[[], bool] | None
    patched: bool | None = None

    def use(self, patched: bool) -> None:
        if self.patched is not patched:
            self.tests.sandbox.reset()
            self.tests.sandbox.put({**self.added, **(self.files if patched else {})})
            self.patched = patched

    def run(self, test_ids: Sequence[str] | None, *, patched: bool, strict: bool) -> TestRun:
        self.use(patched)
        return self.tests.run(
            test_ids,
            timeout_s=self.bounds.suite_s if test_ids is None else self.bounds.run_s,
            test_timeout_s=self.bounds.test_s,
            strict=strict,
            stop=self.stop,
        )

    def stays_bad(self, names: Sequence[str], *, patched: bool) -> list[str]:
        """Which are bad each time they run again by themselves."""
        left = list(names)
        for _ in range(REPEATS):
            if not left:
                break
            groups = [[name] for name in left] if len(left) <= ALONE else [left]
            bad: set[str] = set()
            for group in groups:
                bad |= self.run(group, patched=patched, strict=False).bad
            left = [name for name in left if name in bad]
        return left


def _prove(
    trial: _Trial,
    reproducing: Sequence[str],
    impacted: Sequence[str],
    known_bad: Collection[str],
    whole_suite: bool,
    before: TestRun | None,
) -> Proof:
    after = TestRun()
    if reproducing:
        if before is None:
            trial.progress("running the reproducing tests without the patch")
            before = trial.run(reproducing, patched=False, strict=True)
        if not before.bad:
            why = before.problem or "they pass"
            return Proof(before, after, refused=f"the reproducing tests do not fail before: {why}")
        trial.progress("running the reproducing tests with the patch")
        try:
            after = trial.run(reproducing, patched=True, strict=True)
        except UnknownTest as error:
            return Proof(before, after, refused=f"a reproducing test is gone: {error}")
        refused = _not_passed(before, after)
        if refused:
            return Proof(before, after, refused=refused)
    before = before or TestRun()

    done = {result.test_id for result in after.results}
    rest = [test_id for test_id in impacted if test_id not in done]
    impact = suite = None
    if rest:
        trial.progress(f"running {len(rest)} impacted tests")
        impact = trial.run(rest, patched=True, strict=False)
    broken, known = _judge(trial, impact, known_bad)
    if whole_suite and not broken:
        trial.progress("running the whole suite")
        suite = trial.run(None, patched=True, strict=False)
        judged = {*known_bad, *known}
        more, still = _judge(trial, suite, judged)
        broken, known = broken + more, tuple(dict.fromkeys((*known, *still)))
    refused = f"it breaks {broken[0]}" if broken else ""
    if len(broken) > 1:
        refused += f" and {len(broken) - 1} more"
    return Proof(before, after, impact, suite, broken, known, refused)


def _not_passed(before: TestRun, after: TestRun) -> str:
    """Why the reproducing tests can not be said to pass now, or ""."""
    if after.bad:
        name = min(after.bad)
        result = after.result(name)
        return f"{name} still fails: {result.message if result else ''}".rstrip(": ")
    if after.problem:
        return f"the reproducing tests did not all run: {after.problem}"
    asked = {test_id for test_id in before.bad if "::" in test_id}
    missing = sorted(asked - after.passed)
    if missing:
        return f"{missing[0]} was bad before and does not pass now"
    return "" if after.passed else "no reproducing test passes"


def _judge(
    trial: _Trial, run: TestRun | None, known_bad: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The broken ones and the known failures among what is bad in a run with the patch."""
    if run is None:
        return (), ()
    known = [name for name in run.bad if name in known_bad]
    fresh = sorted(name for name in run.bad if name not in known_bad)
    if fresh:
        trial.progress(f"running {len(fresh)} newly failing tests again")
    fresh = trial.stays_bad(fresh, patched=True)
    still: list[str] = []
    if fresh:  # on the snapshot, bad even once is bad before
        groups = [[name] for name in fresh] if len(fresh) <= ALONE else [fresh]
        for _ in range(REPEATS):
            for group in groups:
                still += trial.run(group, patched=False, strict=False).bad
    before = set(still)
    broken = tuple(name for name in fresh if name not in before)
    return broken, tuple(sorted({*known, *(name for name in fresh if name in before)}))
