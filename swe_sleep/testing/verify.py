"""The one verification of a patch, whoever made it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from swe_sleep.errors import UnknownTest
from swe_sleep.records import Proof, TestRun
from swe_sleep.testing.refusing import outside, refusal
from swe_sleep.testing.tests import Tests

Files = Mapping[str, bytes | None]
"""Content by path; None where there is no such file."""

REPEATS = 2
FLAKY_REPEATS = 6
"""Of a test that is known to be flaky. One that fails every second time is taken for broken once
in 64 times."""
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
    flaky: Collection[str] = (),
    issue: str | None = None,
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

    `flaky` are tests known to pass and to fail on the same content: such a one is run more often
    before it counts as broken, and as a reproducing test it must fail each time before and pass
    each time after. With the `issue`'s text, files that it does not ask for are refused.

    With no reproducing test a proof that holds says only that nothing broke. The sandbox is reset
    to its snapshot first and last. Raises UnknownTest where a reproducing test does not exist.
    """
    nothing = TestRun()
    refused = _refusal(tests, files, reproducing, added or {}, issue)
    if refused:
        return Proof(before or nothing, nothing, refused=refused)
    trial = _Trial(tests, files, added or {}, bounds or Bounds(), progress, stop)
    try:
        return _prove(
            trial, reproducing, impacted, known_bad, frozenset(flaky), whole_suite, before
        )
    finally:
        tests.sandbox.reset()


def _refusal(
    tests: Tests, files: Files, reproducing: Sequence[str], added: Files, issue: str | None
) -> str:
    """Why these files can not be a patch at all, or ""."""
    tests.sandbox.reset()
    old = {path: _content(tests, path) for path in files if not outside(path)}
    present = {path for path, content in old.items() if content is not None}
    if refused := refusal(files, present, reproducing, added, issue=issue):
        return refused
    return "the patch changes nothing" if old == dict(files) else ""


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

    @property
    def stopped(self) -> bool:
        return self.stop is not None and self.stop()

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

    def stays_bad(
        self, names: Sequence[str], *, patched: bool, repeats: int = REPEATS
    ) -> list[str]:
        """Which are bad each time they run again by themselves."""
        left = list(names)
        for _ in range(repeats):
            if not left or self.stopped:
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
    flaky: frozenset[str],
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
        refused = _not_passed(before, after) or _by_chance(trial, before, flaky)
        if refused:
            return Proof(before, after, refused=refused)
    before = before or TestRun()

    done = {result.test_id for result in after.results}
    rest = [test_id for test_id in impacted if test_id not in done]
    impact = suite = None
    if rest:
        trial.progress(f"running {len(rest)} impacted tests")
        impact = trial.run(rest, patched=True, strict=False)
    judged = _judge(trial, impact, known_bad, flaky)
    if whole_suite and not judged.broken:
        trial.progress("running the whole suite")
        suite = trial.run(None, patched=True, strict=False)
        judged += _judge(trial, suite, {*known_bad, *judged.known}, flaky)
    broken = judged.broken
    refused = f"it breaks {broken[0]}" if broken else ""
    if len(broken) > 1:
        refused += f" and {len(broken) - 1} more"
    if not refused and trial.stopped:
        refused = "the verification was stopped before its end"
    return Proof(before, after, impact, suite, broken, judged.known, refused, judged.flaky)


def _by_chance(trial: _Trial, before: TestRun, flaky: frozenset[str]) -> str:
    """Why a reproducing test that is known to be flaky proves nothing, or ""."""
    doubtful = sorted(before.bad & flaky)
    if not doubtful:
        return ""
    trial.progress(f"running {len(doubtful)} flaky reproducing tests again")
    for _ in range(FLAKY_REPEATS):
        if not set(doubtful) <= trial.run(doubtful, patched=True, strict=False).passed:
            return f"{doubtful[0]} is flaky, and does not pass each time with the patch"
    if trial.stays_bad(doubtful, patched=False) != doubtful:
        return f"{doubtful[0]} is flaky: it passes without the patch too"
    return ""


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


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is bad of a run with the patch, told apart."""

    broken: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()
    """Passed when they ran again."""

    def __add__(self, other: _Judged) -> _Judged:
        return _Judged(
            (*self.broken, *other.broken),
            tuple(dict.fromkeys((*self.known, *other.known))),
            tuple(dict.fromkeys((*self.flaky, *other.flaky))),
        )


def _judge(
    trial: _Trial, run: TestRun | None, known_bad: Collection[str], flaky: frozenset[str]
) -> _Judged:
    if run is None:
        return _Judged()
    known = [name for name in run.bad if name in known_bad]
    fresh = sorted(name for name in run.bad if name not in known_bad)
    if not fresh:
        return _Judged(known=tuple(sorted(known)))
    trial.progress(f"running {len(fresh)} newly failing tests again")
    doubtful = [name for name in fresh if name in flaky]
    stays = trial.stays_bad([name for name in fresh if name not in flaky], patched=True)
    stays += trial.stays_bad(doubtful, patched=True, repeats=FLAKY_REPEATS)
    still: set[str] = set()
    if stays:  # on the snapshot, bad even once is bad before
        groups = [[name] for name in stays] if len(stays) <= ALONE else [stays]
        for _ in range(FLAKY_REPEATS if flaky.intersection(stays) else REPEATS):
            for group in groups:
                still |= trial.run(group, patched=False, strict=False).bad
    return _Judged(
        tuple(name for name in stays if name not in still),
        tuple(sorted({*known, *(name for name in stays if name in still)})),
        tuple(name for name in fresh if name not in stays),
    )
