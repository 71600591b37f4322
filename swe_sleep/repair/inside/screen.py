"""Judges many candidates by the failing tests in one session of pytest, some hundred a second.

The tests are collected once. Each candidate gets a fork, in which the code objects of the live
functions are exchanged for those that the candidate's text compiles to; then the tests run there.
What can not be exchanged so (a default value, a class's or module's own code, a module that is
only imported later) is `unknown` and has to be tried in a fresh session. So is every candidate
that passes here, before anything is made of it: this only sorts out.

    screen.py < JOB

The job is that of `runner.py`, with `candidates`, a list of {path: text}, `most_passed`, and
`results`, the file that gets one word a candidate, in order: passed, failed, unknown.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import signal
import sys
import time
from types import CodeType, FunctionType
from typing import Any

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
OPTIMISED = 1  # the flag of functions' code; class bodies and modules do not have it
WALL = 5  # on a busy machine a test may have to wait for its processor time


def sibling(name: str) -> Any:
    private = "_swe_sleep_" + name
    if private not in sys.modules:
        spec: Any = importlib.util.spec_from_file_location(private, f"{HERE}/{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[private] = module
        spec.loader.exec_module(module)
    return sys.modules[private]


# comparing code ----------------------------------------------------------------------------


def shape(code: CodeType, deep: bool) -> Any:
    """What a code object does, without its line numbers; `deep` with the code inside it."""
    consts = []
    for const in code.co_consts:
        if isinstance(const, CodeType):
            consts.append(shape(const, True) if deep else ("code", const.co_name))
        else:
            consts.append((type(const).__name__, repr(const)))
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    table = getattr(code, "co_exceptiontable", b"")
    return code.co_code, names, code.co_argcount, code.co_flags, table, consts


def inner(code: CodeType) -> list[CodeType]:
    return [const for const in code.co_consts if isinstance(const, CodeType)]


def pairs(old: CodeType, new: CodeType) -> Any:
    """The functions that differ between two versions of a module, as (old code, new code, whether
    it must be found alive), or None if anything else differs."""
    if shape(old, False) != shape(new, False):
        return None
    found: list[tuple[CodeType, CodeType, bool]] = []
    for was, now in zip(inner(old), inner(new)):
        if was.co_flags & OPTIMISED:
            if shape(was, True) != shape(now, True):
                found.append((was, now, True))
                found += nested(was, now)
        else:
            below = pairs(was, now)
            if below is None:
                return None
            found += below
    return found


def nested(old: CodeType, new: CodeType) -> list[tuple[CodeType, CodeType, bool]]:
    """Functions inside a function: those made before now are exchanged too, if there are any."""
    found: list[tuple[CodeType, CodeType, bool]] = []
    if [c.co_name for c in inner(old)] == [c.co_name for c in inner(new)]:
        for was, now in zip(inner(old), inner(new)):
            if shape(was, True) != shape(now, True):
                found.append((was, now, False))
                found += nested(was, now)
    return found


# the plugin --------------------------------------------------------------------------------


class Screen:
    """Takes the place of pytest's loop over the tests."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.out: Any = open(job["results"], "w", encoding="utf-8")  # noqa: SIM115 - a child exits
        self.living: dict[tuple[str, int, str], list[FunctionType]] = {}
        self.originals: dict[str, CodeType] = {}
        self.until = time.monotonic() + job["timeout_s"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        if session.testsfailed or len(session.items) < len(self.job["ids"]):
            return True  # not all could be collected: nothing is judged
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType):
                code = thing.__code__
                key = (os.path.realpath(code.co_filename), code.co_firstlineno, code.co_name)
                self.living.setdefault(key, []).append(thing)
        gc.collect()
        if hasattr(gc, "freeze"):
            gc.freeze()
        if self.fork(session.items, []) == "passed":
            return True  # it does not fail in this kind of session
        passed = 0
        for files in self.job["candidates"]:
            verdict = self.judge(session.items, files)
            self.out.write(verdict + "\n")
            self.out.flush()
            passed += verdict == "passed"
            if passed >= self.job["most_passed"] or time.monotonic() > self.until:
                break
        return True

    def judge(self, items: list[Any], files: dict[str, str]) -> str:
        swaps: list[tuple[FunctionType, CodeType]] = []
        for path, text in files.items():
            name = os.path.realpath(os.path.join(self.job["root"], path))
            found = self.swaps(name, text)
            if found is None:
                return "unknown"
            swaps += found
        return self.fork(items, swaps) if swaps else "unknown"

    def swaps(self, name: str, text: str) -> Any:
        try:
            if name not in self.originals:
                with open(name, "rb") as file:
                    self.originals[name] = compile(file.read(), name, "exec", dont_inherit=True)
            new = compile(text.encode(), name, "exec", dont_inherit=True)
        except (OSError, SyntaxError, ValueError):
            return None
        differing = pairs(self.originals[name], new)
        if differing is None:
            return None
        swaps: list[tuple[FunctionType, CodeType]] = []
        for old, code, needed in differing:
            living = self.living.get((name, old.co_firstlineno, old.co_name), [])
            if (needed and not living) or any(
                f.__code__.co_freevars != code.co_freevars for f in living
            ):
                return None
            swaps += [(function, code) for function in living]
        return swaps

    def fork(self, items: list[Any], swaps: list[tuple[FunctionType, CodeType]]) -> str:
        pid = os.fork()
        if not pid:
            status = 1
            try:
                os.setsid()
                signal.signal(signal.SIGPROF, signal.SIG_DFL)
                for function, code in swaps:
                    function.__code__ = code
                status = 0 if passes(items, self.job["test_timeout_s"]) else 1
            finally:
                os._exit(status)
        pause = 0.0005
        limit = time.monotonic() + WALL * self.job["test_timeout_s"] * len(items)
        while True:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                break
            if time.monotonic() > limit:
                os.kill(pid, signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
                break
            time.sleep(pause)
            pause = min(0.004, pause * 1.2)
        try:
            os.killpg(pid, signal.SIGKILL)  # what the tests left running
        except OSError:
            pass
        return "failed" if status else "passed"


def passes(items: list[Any], cpu_s: float) -> bool:
    """Run the tests through pytest's hooks, but without the reports, which take most of the time
    of a test that fails; the first exception, a skip included, ends it. Each has so much processor
    time, not wall time, so that a busy machine condemns nothing."""
    for item, following in zip(items, [*items[1:], None]):
        signal.setitimer(signal.ITIMER_PROF, cpu_s)
        if not getattr(item, "_request", True):
            item._initrequest()
        try:
            item.ihook.pytest_runtest_setup(item=item)
            item.ihook.pytest_runtest_call(item=item)
            item.ihook.pytest_runtest_teardown(item=item, nextitem=following)
        except BaseException:
            return False
    return True


def main() -> None:
    job = json.load(sys.stdin)
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != HERE]
    os.makedirs(job["folder"], exist_ok=True)
    os.chdir(job["root"])
    sys.path[:] = [p for p in job["path"] if p not in sys.path] + sys.path
    sys.argv = ["pytest"]
    sys.dont_write_bytecode = True
    sibling("bytecode").install(job["root"], os.path.join(job["scratch"], "code"))
    probe, events = sibling("probe"), sibling("events")
    log = probe.Log(os.devnull, events.append)
    job["ignore"], job["exact"] = [], False
    job["files"] = list(dict.fromkeys(name.split("::", 1)[0] for name in job["ids"]))
    plugins = [probe.Probe(job, log, events.cut, None), Screen(job)]
    pytest.main(probe.arguments(job["root"], os.path.join(job["folder"], "cache")), plugins)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
