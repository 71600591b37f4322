"""Proving a suspicion with a model: it writes a test and a candidate patch, and both are run.

The words of a model prove nothing. Reproduced is what fails for the stated reason, twice, in the
suspected code, and passes with the candidate patch, which breaks no test, or on the version before
the last change.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec

from swe_sleep.anticipate.asking import Ask, Edit, Misfit, edited, structured, unparsable
from swe_sleep.anticipate.digest import Module, around
from swe_sleep.model.protocol import Message, Request, user
from swe_sleep.prompts.fence import Fence
from swe_sleep.prompts.render import prompt_hash, render
from swe_sleep.records import (
    AnticipatedIssue,
    Outcome,
    Proof,
    TestResult,
    TestRun,
    WrittenTest,
    file_of,
)
from swe_sleep.testing.tests import Tests
from swe_sleep.testing.verify import Bounds, Files, verify

TRIES = 2
MOST_TOKENS = 8000
MOST_TEST_CHARS = 8000
MOST_OUTPUT = 2000
_TEST_NAME = re.compile(r"test_\w{1,80}")
_ADDRESS = re.compile(r"0x[0-9a-f]+|\d+\.\d+s\b")
_OWN_FAULTS = (
    "ImportError",
    "ModuleNotFoundError",
    "SyntaxError",
    "NameError",
    "Failed",
    "fixture",
)
"""What ends a test that is wrong itself, rather than the code."""


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A test as the model writes it, with the patch that would make it pass."""

    verdict: Literal["bug", "no bug"]
    reason: str
    test_file: str
    test_name: str
    failure: str
    edits: list[Edit]


@dataclass(frozen=True, slots=True)
class Accused:
    """What a suspicion is about: the code to be shown, and the lines that a test of it runs."""

    issue: AnticipatedIssue
    module: Module
    lines: range
    """Of the suspected function."""
    import_name: str
    example: str = ""
    """A test that runs the code already."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a draft is run on. `before` are older contents, by path with their blobs, of what the
    last change touched; `impacted` the tests that run the suspected file."""

    tests: Tests
    test_path: str
    """Where the test is put; nothing stands there."""
    before: Mapping[str, tuple[bytes, str]] = field(default_factory=dict)
    impacted: Sequence[str] = ()
    known_bad: Collection[str] = ()
    bounds: Bounds = field(default_factory=Bounds)
    stop: Callable[[], bool] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. `state` is about the suspicion: shown by `written`, refuted, as open as
    before, or unknown, where nothing could be tried and nobody was asked."""

    state: Literal["reproduced", "refuted", "open", "unknown"]
    why: str
    written: WrittenTest | None = None
    failure: TestResult | None = None
    proof: Proof | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The candidate patch that the proof is of."""
    reason: str = ""
    """Why the test fails, in the model's words."""
    ran: tuple[str, ...] = ()
    """The repository's files that the test runs."""
    runs: int = 0


def prompt_version() -> str:
    return prompt_hash(render("reproduce_system"))


def reproduce(
    accused: Accused, bench: Bench, ask: Ask, *, fence: Fence, request: Request | None = None
) -> Verdict:
    """Raises Unfit, and what `ask` and the sandbox raise."""
    base = replace(
        request or Request("", ()), system=render("reproduce_system"), max_tokens=MOST_TOKENS
    )
    base = replace(base, messages=(user(_first(accused, fence)),))
    trial = _Trial(accused, bench)
    if problem := trial.cannot_import():
        return Verdict("unknown", problem, runs=trial.runs)
    files = {accused.module.path: accused.module.text.encode()}
    passed = 0
    for _ in range(TRIES):
        draft = structured(ask, base, Draft, lambda given: checked(given, files), fence)
        if draft.verdict == "no bug":
            return Verdict("refuted", draft.reason, runs=trial.runs)
        found = trial.run(draft, edited(files, draft.edits))
        if found.state == "reproduced":
            return found
        if found.state == "refuted":
            passed += 1
        base = replace(base, messages=(*base.messages, *_told(draft, found, fence)))
    state: Literal["refuted", "open"] = "refuted" if passed == TRIES else "open"
    return replace(found, state=state, runs=trial.runs)


def _first(accused: Accused, fence: Fence) -> str:
    issue, module = accused.issue, accused.module
    why = "\n".join(f"{s.place}: {s.why}" for s in issue.suspicions[:5])
    lines = [s.place.line for s in issue.suspicions if s.place.path == module.path and s.place.line]
    parts = {
        "issue": f"{issue.title}\n\n{issue.symptom}\n\n{why}",
        "check": issue.check,
        "code": f"imported as {accused.import_name}\n\n"
        + around(module, [*lines, accused.lines.start]),
        "example": accused.example,
    }
    fenced = {name: fence.around(text) if text.strip() else "" for name, text in parts.items()}
    return render("reproduce", tag=fence.tag, **fenced)


def _told(draft: Draft, found: Verdict, fence: Fence) -> tuple[Message, Message]:
    said = {"type": "text", "text": msgspec.json.encode(draft).decode()}
    detail = found.failure.detail if found.failure else ""
    if len(detail) > MOST_OUTPUT:
        detail = f"{detail[: MOST_OUTPUT // 2]}\n...\n{detail[-MOST_OUTPUT // 2 :]}"
    again = render("reproduce_again", output=fence.around(f"{found.why}\n\n{detail}"))
    return Message("assistant", (said,)), user(again)


def checked(draft: Draft, files: Mapping[str, bytes]) -> Draft:
    """The draft, if it can be run at all. Raises Misfit."""
    if draft.verdict == "no bug":
        return draft
    name, content = draft.test_name.strip(), draft.test_file
    if not _TEST_NAME.fullmatch(name):
        raise Misfit(f"{name[:100]!r} is no name of a test function")
    if len(content) > MOST_TEST_CHARS:
        raise Misfit(f"the test file is longer than {MOST_TEST_CHARS} characters")
    if problem := unparsable(content.encode("utf-8", "replace")):
        raise Misfit(f"the test file does not parse: {problem}")
    named = [n.name for n in ast.parse(content).body if isinstance(n, ast.FunctionDef)]
    if named.count(name) != 1:
        raise Misfit(f"the test file has no function {name} at its top level")
    if not draft.failure.strip():
        raise Misfit("`failure` is empty")
    edited(files, draft.edits)
    return draft


class _Trial:
    """Runs drafts. The sandbox is left as it was."""

    def __init__(self, accused: Accused, bench: Bench) -> None:
        self._accused = accused
        self._bench = bench
        self._ran: tuple[str, ...] = ()
        self.runs = 0

    def cannot_import(self) -> str:
        """Why no test can run the code here, whoever writes it; or ""."""
        name = self._accused.import_name
        content = f"def test_import():\n    import {name}\n"
        path = self._bench.test_path
        try:
            run = self._go(WrittenTest(path, content, (f"{path}::test_import",)), {})
        finally:
            self._bench.tests.sandbox.reset()
        result = next(iter(run.results), None)
        if result is not None and result.outcome is Outcome.PASSED:
            return ""
        return f"{name} cannot be imported: {result.message if result else run.problem}"

    def run(self, draft: Draft, patch: Mapping[str, bytes]) -> Verdict:
        path = self._bench.test_path
        written = WrittenTest(path, draft.test_file, (f"{path}::{draft.test_name.strip()}",))
        try:
            found = self._fails(draft, written)
            if isinstance(found, Verdict):
                return replace(found, runs=self.runs)
            verdict = self._passes(written, found, patch)
            return replace(
                verdict, reason=draft.reason, failure=found, ran=self._ran, runs=self.runs
            )
        finally:
            self._bench.tests.sandbox.reset()

    def _fails(self, draft: Draft, written: WrittenTest) -> Verdict | TestResult:
        """The failure, or why it is none."""
        once = self._go(written, {}, coverage=True)
        result = once.result(written.tests[0])
        if result is not None and result.outcome is Outcome.PASSED:
            return Verdict("refuted", "the test passes on the code as it is.", failure=result)
        if problem := self._no_failure(once, written, draft.failure.strip()):
            shown = result or next(iter(once.results), None)
            return Verdict("open", problem, failure=shown)
        assert result is not None
        covered = once.coverage.lines if once.coverage else {}
        files = {*covered.get(written.tests[0], ()), *covered.get("", ())} - {written.path}
        self._ran = tuple(sorted({*files, *(f.path for f in result.frames)} - {written.path}))
        twice = self._go(written, {}).result(written.tests[0])
        if twice is None or twice.outcome is not result.outcome or not _alike(result, twice):
            return Verdict("open", "it does not fail the same way each time.", failure=twice)
        return result

    def _no_failure(self, run: TestRun, written: WrittenTest, stated: str) -> str:
        """Why a run does not show the fault, or ""."""
        test = written.tests[0]
        result = run.result(test)
        if result is None or result.outcome is not Outcome.FAILED:
            other = result or next(iter(run.results), None)
            said = (other.message or other.outcome.value) if other else run.problem
            return f"the test could not be run: {said[:300]}"
        raised = _type_of(result.message)
        if raised.rpartition(".")[2] != stated.partition("(")[0].strip().rpartition(".")[2]:
            return f"it fails, but with {raised}, not with {stated[:80]}: {result.message[:300]}"
        inside = any(f.path == self._accused.module.path for f in result.frames)
        if raised in _OWN_FAULTS and not inside:
            return f"the fault is the test's own: {result.message[:300]}"
        if raised != "AssertionError" and not any(f.path != written.path for f in result.frames):
            return f"the fault is the test's own: {result.message[:300]}"
        ran = run.coverage.lines.get(test, {}) if run.coverage else {}
        body = [n for n in ran.get(self._accused.module.path, ()) if n in self._accused.lines]
        if not body and not inside:
            return "it never runs the suspected function."
        return ""

    def _passes(
        self, written: WrittenTest, failure: TestResult, patch: Mapping[str, bytes]
    ) -> Verdict:
        """Whether it passes on the version before, or with the candidate patch."""
        before = self._bench.before
        if before:
            old = self._go(written, {path: content for path, (content, _) in before.items()})
            result = old.result(written.tests[0])
            if result is not None and result.outcome is Outcome.PASSED:
                blobs = {path: blob for path, (_, blob) in before.items()}
                shown = replace(written, passed_with=blobs)
                return Verdict("reproduced", "it passes on the version before.", shown)
        if not patch:
            return Verdict("open", "there is no patch with which it passes.")
        proof = verify(
            self._bench.tests,
            patch,
            reproducing=written.tests,
            impacted=[test for test in self._bench.impacted if file_of(test) != written.path],
            known_bad=self._bench.known_bad,
            added=written.files,
            before=TestRun((failure,)),
            bounds=self._bench.bounds,
            stop=self._bench.stop,
        )
        self.runs += 1 + (proof.impacted is not None)
        if not proof.holds:
            return Verdict("open", f"with the patch, {proof.refused}.")
        return Verdict("reproduced", "it passes with the patch.", written, proof=proof, files=patch)

    def _go(self, written: WrittenTest, files: Files, *, coverage: bool = False) -> TestRun:
        sandbox, bounds = self._bench.tests.sandbox, self._bench.bounds
        sandbox.reset()
        sandbox.put({**written.files, **files})
        self.runs += 1
        return self._bench.tests.run(
            written.tests,
            timeout_s=bounds.run_s,
            test_timeout_s=bounds.test_s,
            coverage=coverage,
            strict=False,
            stop=self._bench.stop,
        )


def _type_of(message: str) -> str:
    """The exception's name in a message such as `shop.Sold: none left`."""
    match = re.match(r"[\w.]+", message.strip())
    return match.group() if match else ""


def _alike(one: TestResult, other: TestResult) -> bool:
    return _ADDRESS.sub("", one.message) == _ADDRESS.sub("", other.message)
