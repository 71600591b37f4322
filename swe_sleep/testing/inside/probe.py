"""A pytest plugin that writes down what happens, as it happens, as JSON lines.

The file is appended to before and after every test, so a hang, a kill or a crash loses nothing.
The plugin also holds each test to its time limit, switches coverage contexts, and takes out of
the repository's pytest configuration what would get in the way.
"""

from __future__ import annotations

import contextlib
import copy
import os
import signal
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

import pytest

_getpid, _clock = os.getpid, time.perf_counter  # tests replace them

MESSAGE_CHARS, DETAIL_CHARS, MOST_FRAMES = 500, 6000, 50

BLOCKED = ("randomly", "random_order", "reverse", "sugar", "html", "instafail", "timeout")
"""Plugins that shuffle, print their own reports, or take the alarm signal."""

SETTINGS = (
    ("pytest.toml", ""), (".pytest.toml", ""), ("pytest.ini", ""), (".pytest.ini", ""),
    ("pyproject.toml", "[tool.pytest"), ("tox.ini", "[pytest]"), ("setup.cfg", "[tool:pytest]"),
)  # fmt: skip
"""Where pytest looks for its settings, and what is in them then."""

QUIET: dict[str, Any] = {
    "numprocesses": None, "dist": "no", "tx": [], "looponfail": False,
    "cov_source": [], "cov_fail_under": None, "no_cov": True,
    "lf": False, "failedfirst": False, "newfirst": False, "stepwise": False,
    "xmlpath": None, "htmlpath": None, "json_report": False, "report_log": None,
    "verbose": 0, "durations": None, "usepdb": False, "trace": False, "setupshow": False,
    "collectonly": False, "showlocals": False, "benchmark_disable": True,
}  # fmt: skip
"""Options of pytest and of common plugins, as they must stand; those not registered are left."""


class TimeLimit(BaseException):
    """Raised in the main thread in a test that ran out of time; no `except Exception` takes it."""


def arguments(root: str, cache: str, options: tuple[str, ...] | list[str] = ()) -> list[str]:
    """The command line; what the repository's `addopts` says comes before it and so yields, and
    so do `options`, those of the project's own runs."""
    args = [*options, "--rootdir=" + root, "--confcutdir=" + root]
    if not configured(root):
        args += ["-c", os.devnull]  # else pytest looks for settings above the copy
    args += ["--continue-on-collection-errors", "--maxfail=0", "--tb=short"]
    args += ["--capture=fd", "--color=no", "-o", "cache_dir=" + cache]
    args += ["-o", "strict_config=false", "-o", "required_plugins="]
    for name in BLOCKED:
        args += ["-p", "no:" + name]
    return args


def configured(root: str) -> bool:
    """Whether the repository has settings for pytest."""
    for name, mark in SETTINGS:
        try:
            with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
                if mark in file.read():
                    return True
        except OSError:
            continue
    return False


class Log:
    """The event file of one process: what a process that a test forked says is dropped."""

    def __init__(self, path: str, append: Any) -> None:
        self.path, self.append, self.pid = path, append, os.getpid()

    def write(self, **event: Any) -> None:
        if _getpid() == self.pid:
            self.append(self.path, event)


def message_of(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text[:MESSAGE_CHARS]


class Frames:
    """The places of a real traceback that lie in the repository's copy."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._known: dict[str, str | None] = {}

    def inside(self, filename: str) -> str | None:
        """The file's path below the root, or None."""
        if filename not in self._known:
            real = os.path.realpath(os.path.join(self.root, filename))
            below = real.startswith(self.root + os.sep) and filename[:1] != "<"
            below = below and "site-packages" not in real
            name = os.path.relpath(real, self.root).replace(os.sep, "/") if below else None
            self._known[filename] = name
        return self._known[filename]

    def of(self, error: BaseException, trace: TracebackType | None) -> list[tuple[str, int]]:
        """Outermost first; the frames of the errors that it came from follow."""
        found: list[tuple[str, int]] = []
        seen = set()
        link: BaseException | None = error
        while link is not None and id(link) not in seen:
            seen.add(id(link))
            while trace is not None:
                name = self.inside(trace.tb_frame.f_code.co_filename)
                if name is not None and (name, trace.tb_lineno) not in found[-1:]:
                    found.append((name, trace.tb_lineno))
                trace = trace.tb_next
            if isinstance(link, SyntaxError) and link.filename:
                name = self.inside(link.filename)
                if name is not None:
                    found.append((name, link.lineno or 1))
            context = None if link.__suppress_context__ else link.__context__
            link = link.__cause__ or context
            trace = link.__traceback__ if link is not None else None
        if len(found) > MOST_FRAMES:  # endless recursion
            found = found[:10] + found[10 - MOST_FRAMES :]
        return found


class Alarm:
    """The time limit that acts inside. A test that swallows the exception, or is stuck in C, is
    the supervisor's to end."""

    def __init__(self, grace_s: float) -> None:
        self.grace_s = grace_s
        self.limit_s = 0.0
        self.armed = self.fired = False
        self.usable = hasattr(signal, "setitimer")

    def set(self, limit_s: float) -> None:
        self.limit_s, self.fired = limit_s, False
        if self.usable:
            signal.signal(signal.SIGALRM, self._ring)
            # Again every second: one may be lost in a destructor or a callback.
            signal.setitimer(signal.ITIMER_REAL, limit_s, 1.0)

    def off(self) -> None:
        self.armed = False
        if self.usable:
            signal.setitimer(signal.ITIMER_REAL, 0)

    @contextlib.contextmanager
    def phase(self) -> Iterator[None]:
        """Only in here does the alarm raise: never in pytest's own reporting."""
        before, self.armed = self.fired, True
        try:
            yield
        finally:
            self.armed = False
            if self.usable and self.fired and not before:  # what must be torn down gets its own
                signal.setitimer(signal.ITIMER_REAL, self.grace_s, 1.0)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self.armed:
            self.fired = True
            raise TimeLimit(f"ran longer than {self.limit_s:g} s")


class Probe:
    """The plugin: one object for one session of pytest. `job` is described in `runner.py`."""

    def __init__(self, job: dict[str, Any], log: Log, cut: Any, lines: Any | None) -> None:
        self.job, self.log, self.cut = job, log, cut
        self.lines = lines
        self.frames = Frames(job["root"])
        self.alarm = Alarm(job["grace_s"])
        self.current: dict[str, Any] = {}
        self.broken_files = set(job["ignore"])

    # -- configuration ---------------------------------------------------------------------------

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(
        self, early_config: Any, parser: Any, args: list[str]
    ) -> Iterator[None]:
        early_config.known_args_namespace.cov_source = []
        with self.alarm_for_import():
            outcome: Any = yield
        if outcome.excinfo is not None:
            self._conftest_failed(outcome.excinfo[1])
            return
        for key in list(early_config.inicfg):
            try:
                early_config.getini(key)
            except ValueError:  # else pytest warns, and a warning may be an error
                parser.addini(key, "of an absent plugin")
        namespace = copy.copy(early_config.option)
        _, unknown = parser.parse_known_and_unknown_args(list(args), namespace=namespace)
        dropped = {text for text in unknown if text.startswith("-")}
        kept: list[str] = []
        follows = False  # `-n 4` of an absent plugin: the 4 is not a path
        for text in args:
            if text in dropped:
                follows = "=" not in text
                continue
            if not (follows and not text.startswith("-")):
                kept.append(text)
            follows = False
        if dropped:
            self.log.write(e="note", text="options of absent plugins: " + " ".join(sorted(dropped)))
            args[:] = kept

    def alarm_for_import(self) -> Any:
        self.alarm.set(self.job["import_timeout_s"])
        return self.alarm.phase()

    def _conftest_failed(self, error: BaseException) -> None:
        self.alarm.off()
        path = getattr(error, "path", None)
        cause = getattr(error, "cause", None) or getattr(error, "excinfo", (None, None))[1]
        if path is None or not isinstance(cause, BaseException):
            return
        name = self.frames.inside(str(path)) or "conftest.py"
        self._file_failed(name, cause, cause.__traceback__, "")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: Any) -> Iterator[None]:
        self.alarm.off()
        for name, value in QUIET.items():
            if hasattr(config.option, name):
                setattr(config.option, name, value)
        config.option.maxfail = 1 if self.job["fail_fast"] else 0
        config.known_args_namespace.strict_config = False  # keys of absent plugins
        if self.job["ids"] is not None:
            config.args = [os.path.join(self.job["root"], name) for name in self.job["files"]]
        elif not config.getini("testpaths"):
            paths = [os.path.join(self.job["root"], name) for name in self.job.get("paths", ())]
            config.args = [path for path in paths if os.path.exists(path)] or config.args
        yield

    def pytest_configure(self, config: Any) -> None:
        config.addinivalue_line("markers", "timeout(seconds): of pytest-timeout, not acting here")

    # -- collection ------------------------------------------------------------------------------

    def pytest_ignore_collect(self, collection_path: Any) -> bool | None:
        return True if self.frames.inside(str(collection_path)) in self.job["ignore"] else None

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: Any) -> Iterator[None]:
        name = self._file_of(collector.nodeid)
        if isinstance(collector, pytest.File):
            self.log.write(e="collecting", id=name)
            self.alarm.set(self.job["import_timeout_s"])
        with self.alarm.phase():
            outcome: Any = yield
        if isinstance(collector, pytest.File):
            self.alarm.off()
            self.log.write(e="collecting", id="")
        report = outcome.get_result()
        if report.outcome == "skipped":
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            self.broken_files.add(name)
            self.log.write(e="file", id=name, outcome="skipped", message=str(reason), frames=[])
        elif report.outcome == "failed":
            call: Any = getattr(report, "call", None)
            error = call.excinfo.value if call is not None and call.excinfo else None
            trace = call.excinfo.tb if error is not None else None
            self._file_failed(name, error, trace, str(report.longrepr))

    def _file_of(self, node_id: str) -> str:
        return node_id.split("::", 1)[0]

    def _file_failed(
        self, name: str, error: BaseException | None, trace: TracebackType | None, text: str
    ) -> None:
        frames = self.frames.of(error, trace) if error is not None else []
        while error is not None and type(error).__name__ == "CollectError" and error.__cause__:
            error = error.__cause__  # pytest's wrapping of the real one
        outcome = "timeout" if isinstance(error, TimeLimit) else "error"
        message = message_of(error) if error is not None else text.strip()[:MESSAGE_CHARS]
        self.broken_files.add(name)
        self.log.write(
            e="file", id=name, outcome=outcome, message=message, frames=frames,
            detail=self.cut(text or message, DETAIL_CHARS),
        )  # fmt: skip

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> Iterator[None]:
        collected = list(items)
        yield
        wanted = self.job["ids"]
        if wanted is None:
            return
        order = {name: index for index, name in enumerate(wanted)}
        chosen: list[tuple[int, Any]] = []
        used = set()
        selected = {id(item) for item in items}
        items += [item for item in collected if id(item) not in selected]
        everything = [item.nodeid for item in items]
        for item in items:
            for name in [item.nodeid] if self.job["exact"] else _names(item.nodeid):
                if name in order:
                    used.add(name)
                    # A test asked for by name runs, whatever `-m` and `-k` in the configuration
                    # say; of a file, what they leave.
                    if "::" in name or id(item) in selected:
                        chosen.append((order[name], item))
                    break
        items[:] = [item for _, item in sorted(chosen, key=lambda pair: pair[0])]
        # A name in a file that could not be read is not known to be wrong.
        unread = {name for name in wanted if self._file_of(name) in self.broken_files}
        unknown = [name for name in wanted if name not in used and name not in unread]
        if unread:
            self.log.write(e="unread", ids=sorted(unread))
        if unknown:
            self.log.write(e="unknown", ids=unknown, known=everything)
            if self.job["strict"]:
                items[:] = []

    def pytest_collection_finish(self, session: Any) -> None:
        if self.lines is not None:
            self.lines.pause()
        self.log.write(e="collected", ids=[item.nodeid for item in session.items])
        if self.job["collect_only"]:
            session.items[:] = []

    # -- tests -----------------------------------------------------------------------------------

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        self.current = {"failures": [], "skipped": None, "called": False}
        self.log.write(e="start", id=item.nodeid)
        if self.lines is not None:
            self.lines.begin(item.nodeid)
        started = _clock()
        self.alarm.set(self.job["test_timeout_s"])
        outcome: Any = yield
        self.alarm.off()
        duration = _clock() - started
        if self.lines is not None:
            self.lines.end()
        if outcome.excinfo is not None:  # an interrupt, which ends the session: no result
            self.log.write(e="interrupted", text=message_of(outcome.excinfo[1]))
            return
        self.log.write(
            e="result", id=item.nodeid, duration_s=round(duration, 6), **self._verdict()
        )  # fmt: skip

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        with self._phase():
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        with self._phase():
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        with self._phase():
            yield

    @contextlib.contextmanager
    def _phase(self) -> Iterator[None]:
        if self.lines is not None:
            self.lines.resume()
        try:
            with self.alarm.phase():
                yield
        finally:
            if self.lines is not None:
                self.lines.pause()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, call: Any) -> Iterator[None]:
        outcome: Any = yield
        report = outcome.get_result()
        if report.when == "setup":  # also of a repetition by a plugin: the last one counts
            self.current = {"failures": [], "skipped": None, "called": False}
        if report.when == "call":
            self.current["called"] = True
        if report.outcome == "failed":
            error = call.excinfo.value if call.excinfo is not None else None
            self.current["failures"].append(
                {
                    "outcome": "failed" if report.when == "call" else "error",
                    "message": message_of(error) if error else str(report.longrepr).strip(),
                    "frames": self.frames.of(error, call.excinfo.tb) if error else [],
                    "detail": self.cut(_report_text(report), DETAIL_CHARS),
                }
            )
        elif report.outcome == "skipped":
            reason = getattr(report, "wasxfail", None)
            self.current["expected"] = reason is not None
            if reason is None and isinstance(report.longrepr, tuple):
                reason = str(report.longrepr[2])
            self.current["skipped"] = reason or "skipped"

    def _verdict(self) -> dict[str, Any]:
        failures = self.current["failures"]
        if failures:
            verdict = dict(failures[0])
            verdict["message"] = verdict["message"][:MESSAGE_CHARS]
        elif self.current["skipped"] is not None and not self.alarm.fired:
            message = self.current["skipped"][:MESSAGE_CHARS]
            expected = self.current.get("expected", False)
            return {"outcome": "skipped", "message": message, "expected": expected}
        else:
            verdict = {"outcome": "passed"}
        if self.alarm.fired:
            verdict["outcome"] = "timeout"
            verdict.setdefault("message", f"ran longer than {self.alarm.limit_s:g} s")
        return verdict

    # -- the end ---------------------------------------------------------------------------------

    def pytest_internalerror(self, excrepr: Any) -> None:
        last = str(excrepr).strip().splitlines()[-1:]
        self.log.write(e="interrupted", text="".join(last)[:MESSAGE_CHARS])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self.lines is not None:
            self.lines.finish()
        self.log.write(e="end", exit=int(exitstatus))


def _names(node_id: str) -> Iterator[str]:
    """What a test may be asked for by: itself, without its parameters, its class, file, folders."""
    yield node_id
    path, _, inner = node_id.partition("::")
    if inner:
        inner = inner.split("[", 1)[0]
        while inner:
            yield path + "::" + inner
            inner = inner.rpartition("::")[0]
        yield path
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
    yield "."


def _report_text(report: Any) -> str:
    parts = [report.longreprtext]
    parts += [f"--- {title} ---\n{text.rstrip()}" for title, text in report.sections]
    return "\n".join(parts)
