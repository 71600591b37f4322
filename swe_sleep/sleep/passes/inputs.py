"""What the outcome of a test depends on."""

from __future__ import annotations

from collections.abc import Iterable

from swe_sleep.notes.evidence import Failing
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import configuration_of


def inputs_of(work: Situation, tests: Iterable[Failing]) -> dict[str, str]:
    """Everything that the outcomes of failing tests depend on, path -> blob."""
    paths: dict[str, str] = {}
    for test in tests:
        file = test.id.partition("::")[0]
        covered = {*test.covered, *(frame.path for frame in test.result.frames)}
        if not test.covered:  # it never got to run: whatever its file imports may be why
            covered |= work.outlines.closure(file)
        paths |= {path: work.snapshot.blob(path) for path in covered if path in work.snapshot.files}
        paths |= configuration_of(file, work.snapshot) | {file: work.snapshot.blob(file)}
    return paths
