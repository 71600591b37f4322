"""What the outcome of a test depends on."""

from __future__ import annotations

from collections.abc import Container, Iterable

from swe_sleep.notes.evidence import Failing
from swe_sleep.records import ABSENT, TREE, TestResult, file_of
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import configuration_of

_NOT_IMPORTED = ("ModuleNotFoundError", "ImportError")


def inputs_of(work: Situation, tests: Iterable[Failing]) -> dict[str, str]:
    """Everything that the outcomes of failing tests depend on, path -> blob."""
    inputs: dict[str, str] = {}
    for test in tests:
        file = file_of(test.id)
        ran = {*test.covered, *(frame.path for frame in test.result.frames)}
        inputs |= {path: work.snapshot.blob(path) for path in ran if path in work.snapshot.files}
        inputs |= unseen_inputs(work, test.covered)
        if not test.covered:  # it never got to run
            inputs |= import_inputs(work, file)
        inputs |= missing_inputs(work, test.result)
        inputs |= configuration_of(file, work.snapshot) | {file: work.snapshot.blob(file)}
    return inputs


def unseen_inputs(work: Situation, covered: Container[str]) -> dict[str, str]:
    """Where a test started programs of its own, which files these ran nobody saw: any may count."""
    return {TREE: work.snapshot.id} if TREE in covered else {}


def import_inputs(work: Situation, path: str) -> dict[str, str]:
    """What may be why a test file can't be imported: all that it and the conftests above it
    import, and the absence of what they would."""
    conftests = (p for p in configuration_of(path, work.snapshot) if p.endswith("conftest.py"))
    roots = [path, *(p for p in conftests if p in work.snapshot.files)]
    found = {p for root in roots for p in (root, *work.outlines.closure(root))}
    found |= {p for file in list(found) for p in work.outlines.absent(file)}
    return {p: work.snapshot.blob(p) for p in found}


def missing_inputs(work: Situation, result: TestResult) -> dict[str, str]:
    """The absence of what a test could not import while it ran."""
    if not result.outcome.bad or not result.message.startswith(_NOT_IMPORTED):
        return {}
    files = {file_of(result.test_id), *(frame.path for frame in result.frames)}
    return {path: ABSENT for file in files for path in work.outlines.absent(file)}
