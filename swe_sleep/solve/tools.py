"""What the agent's tools do. A failure of a tool is data for the model, not an error of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from swe_sleep.errors import EngineLost, SweSleepError
from swe_sleep.model import tools as definitions
from swe_sleep.model.protocol import Block, ToolCall
from swe_sleep.model.secrets import PLACEHOLDER, Masker
from swe_sleep.prompts.fence import Fence
from swe_sleep.records import ContextLine, Outcome, TestResult, TestRun
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.editor import Editor, ToolProblem
from swe_sleep.solve.reach import Reached

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = {n: "\ufffd" for n in (*range(32), 127) if chr(n) not in "\n\t\r\f"}


QUIET = ("run_tests", "notes", "submit")
"""Tools that change no file."""
OLD = "failed before your changes too"


@dataclass(frozen=True, slots=True)
class Output:
    """What a tool says: `text` is the repository's, `remark` ours."""

    text: str = ""
    remark: str = ""
    failed: bool = False


class Tool(Protocol):
    @property
    def definition(self) -> Block: ...

    def run(self, values: Mapping[str, object]) -> Output:
        """Raises ToolProblem."""
        ...


class Runner(Protocol):
    """Runs tests in the agent's sandbox. `testing.Tests` is one."""

    def run(
        self,
        test_ids: Sequence[str] | None,
        *,
        timeout_s: float,
        test_timeout_s: float,
        stop: Callable[[], bool] | None = None,
    ) -> TestRun:
        """None runs all. Raises TestsError, UnknownTest, SandboxError."""
        ...


class NotesReader(Protocol):
    """What is known of the repository."""

    def search(self, text: str, limit: int) -> Sequence[ContextLine]: ...

    def about(self, subject: str, limit: int) -> Sequence[ContextLine]:
        """Of a path, or `path::qualname`."""
        ...


def cut_middle(text: str, limit: int) -> str:
    """At most about `limit` characters: the beginning and the end, the cut said between them."""
    if len(text) <= limit:
        return text
    head, tail = text[: limit // 2], text[len(text) - limit // 2 :]
    missing = len(text) - len(head) - len(tail)
    return f"{head}\n[... {missing:,} characters cut out here ...]\n{tail}"


def readable(text: str) -> str:
    """A command's output as a model can use it: a progress bar's last state, no codes that only
    a terminal understands, and of binary output hardly anything."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    text = text.translate(_CONTROLS)
    odd = text.count("\ufffd")
    if odd > 40 and odd * 10 > len(text):
        return f"{text[:80]}\n[... binary output, {len(text):,} characters, not shown ...]"
    return text


def brief(values: Mapping[str, object]) -> str:
    """A call's input on one short line, for a person who watches."""
    words = (key if value is True else _plain(value) for key, value in values.items())
    line = " ".join(" ".join(words).split())
    return line if len(line) <= 80 else line[:77] + "..."


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def context_text(lines: Sequence[ContextLine]) -> str:
    """One line each: the place, what is known there, and its standing unless it is a fact."""

    def shown(line: ContextLine) -> str:
        mark = "" if line.standing == "fact" else f" [{line.standing}]"
        return f"{line.place}{mark}: {' '.join(line.text.split())}"

    return "\n".join(shown(line) for line in lines)


class Bash:
    definition = definitions.BASH

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        timeout_s: float = 120,
        left_s: Callable[[], float | None],
        stop: Callable[[], bool] | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._timeout_s = timeout_s
        self._left_s = left_s
        self._stop = stop

    def run(self, values: Mapping[str, object]) -> Output:
        anew = f"the next command has a new shell, in {self._sandbox.workdir}"
        if values.get("restart"):
            self._sandbox.shell().run("exit", timeout_s=5)
            return Output(remark=anew)
        command = values.get("command")
        if not isinstance(command, str) or not command.strip():
            raise ToolProblem("The text 'command' is missing.")
        if placeholder := PLACEHOLDER.search(command):
            raise ToolProblem(
                f"{placeholder[0]} stands for a secret and would be taken as it is written: "
                "use the editor, which knows what is behind it."
            )
        limit_s = within(self._timeout_s, self._left_s())
        done = self._sandbox.shell().run(command, timeout_s=limit_s, stop=self._stop)
        text = readable(done.stdout + done.stderr)
        if done.cut:
            why = f"after {limit_s:.0f} s" if done.cut == "timeout" else f"({done.cut})"
            remark = f"stopped {why}; everything that ran in the shell was ended, and {anew}"
            return Output(text, remark, failed=True)
        remarks = [f"exit code {done.exit_code}"] if done.exit_code else []
        if done.truncated:
            remarks.append("there was too much output to keep; its middle is lost")
        if done.shell_new:
            remarks.append("the shell had ended before, so this ran in a new one")
        if done.shell_ended:
            remarks.append(f"the shell ended with it: {anew}")
        if not remarks and not text.strip():
            remarks.append("no output")
        return Output(text, "; ".join(remarks))


class Edit:
    definition = definitions.EDITOR

    def __init__(self, sandbox: Sandbox, masker: Masker | None = None) -> None:
        self._editor = Editor(sandbox, masker)

    def run(self, values: Mapping[str, object]) -> Output:
        return Output(self._editor.run(values))


class RunTests:
    """`must_pass` are the issue's own tests. `reached` gives the tests that the changes so far
    can reach; without it, and without tests that must pass, all are the default. `before` tells
    which of failing tests fail without the changes too, in the seconds given."""

    definition = definitions.RUN_TESTS

    def __init__(
        self,
        runner: Runner,
        *,
        must_pass: Sequence[str] = (),
        reached: Callable[[], Reached] | None = None,
        before: Callable[[Set[str], float | None], Set[str]] = lambda failing, left_s: frozenset(),
        timeout_s: float = 600,
        test_timeout_s: float = 60,
        left_s: Callable[[], float | None],
        stop: Callable[[], bool] | None = None,
    ) -> None:
        self._runner = runner
        self.must_pass = tuple(must_pass)
        self._reached = reached
        self._before = before
        self._timeout_s = timeout_s
        self._test_timeout_s = test_timeout_s
        self._left_s = left_s
        self._stop = stop
        self.green = False
        """Whether the last run had the tests that must pass in it, and nothing bad."""
        self.runs = 0

    def run(self, values: Mapping[str, object]) -> Output:
        self.green = False
        ids, remark = self._wanted(values)
        limit_s = within(self._timeout_s, self._left_s())
        self.runs += 1
        run = self._runner.run(
            ids, timeout_s=limit_s, test_timeout_s=self._test_timeout_s, stop=self._stop
        )
        whole = bool(run.results) and not run.problem
        self.green = (
            whole and not run.bad and bool(self.must_pass) and run.passed.issuperset(self.must_pass)
        )
        old = self._before(run.bad.difference(self.must_pass), self._left_s())
        return Output(table(run, old), remark, failed=not whole)

    def _wanted(self, values: Mapping[str, object]) -> tuple[Sequence[str] | None, str]:
        if values.get("all") is True:
            return None, ""
        given = values.get("tests")
        if given:
            if isinstance(given, list) and all(isinstance(test, str) for test in given):
                return given, ""
            raise ToolProblem("'tests' must be a list of test ids.")
        reached = Reached() if self._reached is None else self._reached()
        ids = tuple(dict.fromkeys((*self.must_pass, *reached.tests)))
        return (ids, reached.remark) if ids else (None, "")


class Notes:
    definition = definitions.NOTES

    def __init__(self, reader: NotesReader, *, limit: int = 20) -> None:
        self._reader = reader
        self._limit = limit

    def run(self, values: Mapping[str, object]) -> Output:
        about, search = values.get("about"), values.get("search")
        if isinstance(about, str) and about.strip():
            found = self._reader.about(about.strip(), self._limit)
        elif isinstance(search, str) and search.strip():
            found = self._reader.search(search.strip(), self._limit)
        else:
            raise ToolProblem("Give 'about' or 'search'.")
        return Output(context_text(found)) if found else Output(remark="nothing is known of that")


class Submit:
    """Where there are tests that must pass, the first call runs them, unless they have just
    passed, and hands nothing in if they fail."""

    definition = definitions.SUBMIT

    def __init__(self, tests: RunTests | None = None) -> None:
        self._tests = tests
        self.summary: str | None = None

    def run(self, values: Mapping[str, object]) -> Output:
        tests, text = self._tests, ""
        if tests is not None and tests.must_pass and not tests.green:
            self._tests = None
            text, passed = self._try(tests)
            if not passed:
                remark = "not handed in, as these tests do not pass; `submit` again does it anyway"
                return Output(text, remark, failed=True)
        summary = values.get("summary")
        self.summary = summary.strip() if isinstance(summary, str) else ""
        return Output(text, "handed in")

    @staticmethod
    def _try(tests: RunTests) -> tuple[str, bool]:
        return tests.run({}).text, tests.green


@dataclass(slots=True)
class Toolbox:
    """The tools of one run. Output is masked, cut, and fenced before the model sees it."""

    tools: Sequence[Tool]
    fence: Fence
    masker: Masker
    limit_chars: int = 16_000

    @property
    def definitions(self) -> tuple[Block, ...]:
        return tuple(tool.definition for tool in self.tools)

    def run(self, call: ToolCall, remaining: str = "") -> Block:
        """Run one call; gives the block that answers it. Raises EngineLost."""
        output = self._output(call)
        text = output.text.encode("utf-8", "replace").decode()
        parts: list[str] = []
        if text.strip():
            parts.append(self.fence.around(cut_middle(self.masker(text), self.limit_chars)))
        remark = "; ".join(part for part in (output.remark, remaining) if part)
        if remark:
            parts.append(f"swe-sleep: {remark}")
        block: dict[str, object] = {
            "type": "tool_result",
            "tool_use_id": call.call_id,
            "content": "\n".join(parts) or "swe-sleep: done",
        }
        if output.failed:
            block["is_error"] = True
        return block

    def _output(self, call: ToolCall) -> Output:
        if call.invalid:
            return Output(remark=f"the call was not run: {call.invalid}", failed=True)
        tools = {str(tool.definition["name"]): tool for tool in self.tools}
        if call.name not in tools:
            return Output(
                remark=f"there is no tool {call.name!r}; there are {', '.join(tools)}", failed=True
            )
        try:
            return tools[call.name].run(call.input)
        except EngineLost:
            raise
        except (ToolProblem, SweSleepError) as problem:
            return Output(str(problem), failed=True)


def within(limit_s: float, left_s: float | None) -> float:
    return limit_s if left_s is None else max(1.0, min(limit_s, left_s))


def table(run: TestRun, old: Set[str] = frozenset(), rows: int = 20) -> str:
    """The outcomes in short: a count, and a line for each test that is not as it should be; those
    of `old`, which failed before the changes too, last."""
    counts = dict.fromkeys(Outcome, 0)
    for result in run.results:
        counts[result.outcome] += 1
    said = ", ".join(f"{number} {outcome}" for outcome, number in counts.items() if number)
    lines = [f"{said or 'no test ran'}, in {run.duration_s:.1f} s"]
    if run.problem:
        lines.append(f"the run is not whole: {run.problem}")
    bad = [result for result in run.results if result.outcome.bad]
    bad.sort(key=lambda result: result.test_id in old)
    lines += [_row(result, result.test_id in old) for result in bad[:rows]]
    if len(bad) > rows:
        lines.append(f"[{len(bad) - rows} more not shown]")
    if len(run.results) <= rows:
        lines += [f"{r.outcome:8} {r.test_id}" for r in run.results if not r.outcome.bad]
    return "\n".join(lines)


def _row(result: TestResult, old: bool) -> str:
    name = f"{result.outcome:8} {result.test_id}"
    message = " ".join(result.message.split())
    frames = " > ".join(str(frame) for frame in result.frames[-3:])
    return " | ".join(filter(None, (name, OLD * old, message[:300], frames)))
