"""The hunt for one function's faults: known calls, an exercise, two runs of the written test."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from swe_sleep.anticipate.harvest import Call, harvest
from swe_sleep.anticipate.hunting import seen, writing
from swe_sleep.anticipate.hunting.exercising import Exercised, Find, exercise
from swe_sleep.anticipate.hunting.judging import Judge, plausible
from swe_sleep.anticipate.hunting.seen import Example, Seen
from swe_sleep.anticipate.hunting.targets import Target, targets
from swe_sleep.records import Outcome, TestResult, TestRun, WrittenTest
from swe_sleep.testing.tests import Tests

Stop = Callable[[], bool]
MOST_TESTS = 12
"""Tests that are run to see how they call a function."""
HARVEST_S = 8.0
_IMPORT = re.compile(r"(?:from (?P<module>[\w.]+) )?import (?P<name>[\w.]+)(?: as (?P<alias>\w+))?")
HANGS_S = 8.0
"""A test that runs longer than this hangs: other calls took some milliseconds."""
RUN_S = 60.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that broke twice in a test of pytest's."""

    target: Target
    find: Find
    written: WrittenTest
    result: TestResult
    run: TestRun
    guessed: bool
    """Only names tell that what was passed fits."""


@dataclass
class Hunted:
    """What came of one function. `why` says why there was no hunt, or that it was broken off."""

    findings: list[Finding] = field(default_factory=list)
    refused: list[tuple[Find, str]] = field(default_factory=list)
    """What broke but does not count, with the reason."""
    exercised: Exercised = field(default_factory=Exercised)
    test_runs: int = 0
    why: str = ""


@dataclass(frozen=True)
class Ground:
    """What the hunt looks at: the sources, which of them hold tests, and a bench."""

    tests: Tests
    sources: Mapping[str, bytes]
    """All Python files by path."""
    test_files: Sequence[str]
    modules: Mapping[str, str]
    """How a file is imported, by path."""
    seconds: float = 20.0
    """For one function, on a machine that does nothing else."""
    stop: Stop = lambda: False


def find_target(ground: Ground, path: str, qualname: str) -> Target | None:
    """The function, if it is one that can be exercised."""
    tree = parsed(ground.sources[path])
    module = ground.modules.get(path, "")
    if tree is None or not module:
        return None
    name = qualname.partition(".")[0]
    exported = {name} if _exported(ground, module, name) else set()
    found = targets(path, module, tree, exported)
    return next((each for each in found if each.qualname == qualname), None)


def hunt(ground: Ground, target: Target, covering: Sequence[str] = ()) -> Hunted:
    """Exercise one function. `covering` are tests that run it, quick ones first. Raises what the
    sandbox raises, and TestsError."""
    known = _known(ground, target)
    hunted = Hunted()
    examples = list(known.calls.get(target.name, ()))
    if covering:
        calls = harvest(
            ground.tests,
            {target.path: [target.qualname]},
            list(covering)[:MOST_TESTS],
            timeout_s=min(HARVEST_S, ground.seconds / 2),
            stop=ground.stop,
        ).get((target.path, target.qualname), [])
        hunted.test_runs += 1
        meant = known.meant.setdefault(target.name, set())
        meant.update(call.raised.rpartition(".")[2] for call in calls if call.raised)
        examples = [_example(call) for call in calls if not call.raised] + examples
    if ground.stop():
        hunted.why = "it was stopped"
        return hunted
    if not examples and target.unknown:
        hunted.why = f"nothing says what {target.unknown[0]} takes"
        return hunted
    judge = Judge(target, known.meant.get(target.name, set()), ground.sources)
    hunted.exercised = exercise(
        ground.tests.sandbox,
        target,
        examples,
        judge.expected,
        seconds=ground.seconds / 4,
        stop=ground.stop,
    )
    hunted.why = hunted.exercised.why
    folder = writing.folder_for(ground.test_files)
    for find in hunted.exercised.finds:
        why = judge.refusal(find)
        if not why and not ground.stop():
            why = _confirm(ground, target, find, folder, hunted)
        if why:
            hunted.refused.append((find, why))
    if ground.stop():
        hunted.why = hunted.why or "it was stopped"
    return hunted


def _confirm(ground: Ground, target: Target, find: Find, folder: str, hunted: Hunted) -> str:
    """Run the written test twice; why it does not count, or "" where it is kept."""
    written = writing.test_of(find, target, folder)
    test_s = HANGS_S if find.kind == "hang" else RUN_S / 2
    run = TestRun()
    result: TestResult | None = None
    for coverage in (True, False):
        run, first = run_written(ground, written, coverage=coverage, test_s=test_s), run
        hunted.test_runs += 1
        result = run.result(written.tests[0])
        why = not_as_stated(find, result)
        if why:
            return why
        run = first if not coverage else run
    assert result is not None
    hunted.findings.append(
        Finding(target, find, written, result, run, not plausible(find.evidence))
    )
    return ""


def run_written(ground: Ground, written: WrittenTest, *, coverage: bool, test_s: float) -> TestRun:
    """The written test in the sandbox, which is left as it was."""
    ground.tests.sandbox.put(written.files)
    try:
        return ground.tests.run(
            written.tests,
            timeout_s=RUN_S,
            test_timeout_s=test_s,
            coverage=coverage,
            strict=False,
            stop=ground.stop,
        )
    finally:
        ground.tests.sandbox.reset()


def passes_with(ground: Ground, written: WrittenTest, old: Mapping[str, bytes]) -> bool:
    """Whether the test passes with other contents of some files."""
    ground.tests.sandbox.put({**old, **written.files})
    try:
        run = ground.tests.run(
            written.tests,
            timeout_s=RUN_S,
            test_timeout_s=HANGS_S,
            strict=False,
            stop=ground.stop,
        )
    finally:
        ground.tests.sandbox.reset()
    return run.passed == frozenset(written.tests)


def not_as_stated(find: Find, result: TestResult | None) -> str:
    """Why a result does not show what was found, or ""."""
    if result is None:
        return "its test did not run"
    if find.kind == "hang":
        return "" if result.outcome is Outcome.TIMEOUT else "its test ends"
    if result.outcome is not Outcome.FAILED:
        return f"its test {result.outcome}"
    if find.frames:  # a crash: of this type, at this place
        kind = find.kind.rpartition(".")[2]
        if not result.message.partition(":")[0].endswith(kind):
            return f"its test fails otherwise: {result.message}"
        if find.kind != "RecursionError" and find.frames[-1][0] not in result.frames[-2:]:
            return "its test fails elsewhere"
        return ""
    return "" if result.message.startswith(("AssertionError", "assert")) else "it fails otherwise"


# -- what is known -----------------------------------------------------------------------------


def _known(ground: Ground, target: Target) -> Seen:
    """Calls of the function in tests and docstrings."""
    names = frozenset({target.name})
    word = target.name.encode()
    found = Seen()
    for path in ground.test_files:
        content = ground.sources.get(path, b"")
        if word in content:
            found.add(seen.in_tests(path, content, names))
    tree = parsed(ground.sources[target.path])
    if tree is not None:
        found.add(seen.in_docstrings(target.path, tree, target.module, names))
    mine = [e for e in found.calls.get(target.name, ()) if _of(e, target)]
    return Seen({target.name: mine}, found.meant)


def _of(example: Example, target: Target) -> bool:
    """Whether a call of this name is one of the target: what it is called on, or its own name, is
    imported from where the target stands, or from a package above that gives it on."""
    owner = target.qualname.rpartition(".")[0]
    if owner:
        if not re.match(rf"(?:\w+\.)*{re.escape(owner)}\(", example.receiver):
            return False
        first = example.receiver.partition("(")[0].removesuffix(owner).rstrip(".") or owner
    else:
        first = example.receiver
    if not re.fullmatch(r"[\w.]+", first):
        return False
    bound, _, rest = first.partition(".")
    for line in example.imports:
        match = _IMPORT.fullmatch(line)
        if match is None or (match["alias"] or match["name"].partition(".")[0]) != bound:
            continue
        if match["module"] and bound in (target.name, owner) and not rest:
            module = match["module"]
        else:
            start = match["name"] if match["alias"] else bound
            module = ".".join(part for part in (match["module"], start, rest) if part)
        return f"{target.module}.".startswith(f"{module}.")
    return False


def _example(call: Call) -> Example:
    return Example(
        call.name, call.receiver, call.arguments, call.keywords, call.imports, call.test_id
    )


def _exported(ground: Ground, module: str, name: str) -> bool:
    """Whether a package gives on a name of its private module."""
    last = module.rpartition(".")[2].encode()
    word = name.encode()
    for path, content in ground.sources.items():
        if path.endswith("__init__.py") and word in content and last in content:
            return True
    return False


def parsed(content: bytes) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
