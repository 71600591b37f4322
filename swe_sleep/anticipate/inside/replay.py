"""Makes calls that are given as source, one after another, and tells what came of each.

    replay.py < JOB

Each batch runs in a fork of this process, which itself imports nothing of the repository; where a
call ends or hangs the fork, the next call gets a new one. The job is a JSON object:

    root, path      the repository's copy; folders to put first on sys.path
    calls           a list of objects: imports, receiver, arguments, keywords, qualname, kind
    watch           by path, ranges of lines: which of them a call runs is told
    call_s          for each call; total_s for all
    alone           a fork of its own for each call
    out             the file that gets the JSON list of outcomes, None for those not come to
"""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import json
import os
import secrets
import select
import signal
import sys
import time
import traceback
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
GRACE_S = 2.0
START_S = 20.0
ITEMS = 50
PRINTED = 2000
MOST_HARM = 6  # calls that hang or end the process, after which no more are made
_write, _exit = os.write, os._exit  # what runs here may replace them


def sibling(name: str) -> Any:
    private = "_swe_sleep_" + name
    if private not in sys.modules:
        spec: Any = importlib.util.spec_from_file_location(private, f"{HERE}/{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[private] = module
        spec.loader.exec_module(module)
    return sys.modules[private]


class TimeLimit(BaseException):
    """Raised in a call that ran out of time; no `except Exception` takes it."""


def ring(number: int, frame: Any) -> None:
    raise TimeLimit


class Printed:
    """Stands for stdout, and keeps the beginning."""

    encoding, errors, closed = "utf-8", "strict", False

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        if len(self.text) < PRINTED:
            self.text += text[:PRINTED]
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        return

    def isatty(self) -> bool:
        return False


# one call ----------------------------------------------------------------------------------


class Caller:
    """Makes calls and describes what they give."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.root = os.path.realpath(job["root"])
        self.describe = sibling("describe")
        self.watch = {os.path.join(self.root, p): r for p, r in job["watch"].items()}
        self.files: dict[str, list[Any]] = {}

    def outcome(self, call: dict[str, Any]) -> dict[str, Any]:
        space: dict[str, Any] = {"__name__": "replayed"}
        try:
            signal.setitimer(signal.ITIMER_REAL, START_S)
            for line in call["imports"]:
                exec(line, space)
            receiver = eval(call["receiver"], space) if call["receiver"] else None
            arguments = [eval(text, space) for text in call["arguments"]]
            keywords = {name: eval(text, space) for name, text in call["keywords"].items()}
            function = self._function(call, space, receiver)
        except BaseException as error:
            return {"state": "setup", "error": type(error).__name__}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        printed = Printed()
        streams = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = printed
        self.lines: set[tuple[str, int]] = set()
        began = time.perf_counter()
        try:
            signal.setitimer(signal.ITIMER_REAL, self.job["call_s"])
            sys.settrace(self._trace if self.watch else None)
            try:
                value = _whole(function(*arguments, **keywords))
            finally:
                sys.settrace(None)
                signal.setitimer(signal.ITIMER_REAL, 0)
            found = self._returned(value, call)
        except TimeLimit:
            found = {"state": "slow"}
        except BaseException as error:
            found = self._raised(error)
        finally:
            sys.stdout, sys.stderr = streams
        found["seconds"] = round(time.perf_counter() - began, 6)
        found["printed"] = self.describe.ADDRESS.sub("0x", printed.text)
        found["lines"] = sorted([os.path.relpath(p, self.root), n] for p, n in self.lines)
        after = [receiver, arguments, keywords] if call["kind"] != "constructor" else [arguments]
        found["after"] = self.describe.describe(after)
        return found

    @staticmethod
    def _function(call: dict[str, Any], space: dict[str, Any], receiver: Any) -> Any:
        name = call["qualname"].rpartition(".")[2]
        if call["kind"] == "constructor":
            return receiver
        if call["kind"] == "property":
            return lambda: getattr(receiver, name)
        return getattr(receiver, name) if call["receiver"] else space[call["qualname"]]

    def _returned(self, value: Any, call: dict[str, Any]) -> dict[str, Any]:
        return {
            "state": "returned",
            "text": self.describe.describe(value),
            "shown": self.describe.shown(value),
            "source": _literal(value),
            "type": self.describe.name_of(type(value)),
            "types": [kind.__name__ for kind in type(value).__mro__],
        }

    def _raised(self, error: BaseException) -> dict[str, Any]:
        frames = []
        deliberate = False
        for frame in traceback.extract_tb(error.__traceback__):
            name = os.path.realpath(frame.filename)
            if name.startswith(self.root + os.sep) and "site-packages" not in name:
                path = os.path.relpath(name, self.root).replace(os.sep, "/")
                frames.append([path, frame.lineno, frame.name])
            elif os.path.dirname(name) == HERE or frame.filename.startswith("<"):
                continue
            deliberate = (frame.line or "").startswith(("raise", "return NotImplemented"))
        kinds = type(error).__mro__
        ours = sys.modules.get(type(error).__module__)
        file = os.path.realpath(getattr(ours, "__file__", None) or "")
        try:
            message = str(error)
        except Exception:
            message = ""
        return {
            "state": "raised",
            "type": type(error).__name__,
            "types": [kind.__name__ for kind in kinds],
            "module": type(error).__module__,
            "ours": file.startswith(self.root + os.sep),
            "message": self.describe.ADDRESS.sub("0x", message)[:500],
            "deliberate": deliberate,
            "frames": frames if len(frames) < 60 else frames[:20] + frames[-20:],
        }

    def _trace(self, frame: Any, event: str, arg: Any) -> Any:
        name = frame.f_code.co_filename
        ranges = self.watch.get(name)
        if ranges is None:
            return None

        def local(frame: Any, event: str, arg: Any) -> Any:
            line = frame.f_lineno
            if any(first <= line <= last for first, last in ranges):
                self.lines.add((name, line))
            return local

        return local


def _whole(value: Any) -> Any:
    """What a lazy value gives, or its first items."""
    if inspect.iscoroutine(value):
        import asyncio

        return asyncio.run(value)
    if inspect.isgenerator(value) or type(value).__name__ in ("map", "filter", "zip", "chain"):
        return list(itertools.islice(value, ITEMS))
    return value


def _literal(value: Any) -> str:
    """Its repr where that is a literal which means it, else ""."""
    import ast

    try:
        text = repr(value)
        if len(text) > 2000:
            return ""
        again = ast.literal_eval(text)
        return text if type(again) is type(value) and again == value else ""
    except Exception:
        return ""


# the batches -------------------------------------------------------------------------------


def child(job: dict[str, Any], first: int, last: int, pipe: int, token: str) -> None:
    """Make calls from the first on, and tell of each; never returns."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        signal.signal(signal.SIGALRM, ring)
        os.chdir(job["root"])
        sys.path[:0] = [job["root"], *job["path"]]
        sys.dont_write_bytecode = True
        sys.argv = ["replay"]
        caller = Caller(job)
        slow = 0
        for index in range(first, last):
            _tell(pipe, token, [index, None])
            outcome = caller.outcome(job["calls"][index])
            _tell(pipe, token, [index, outcome])
            slow += outcome["state"] == "slow"
            if slow >= MOST_HARM:
                break
    finally:
        _exit(0)


def _tell(pipe: int, token: str, what: Any) -> None:
    data = (token + json.dumps(what) + "\n").encode()
    while data:
        data = data[_write(pipe, data) :]


def run(job: dict[str, Any]) -> list[Any]:
    """The outcomes; None for calls that the time did not suffice for."""
    count = len(job["calls"])
    outcomes: list[Any] = [None] * count
    until = time.monotonic() + job["total_s"]
    first = harm = 0
    while first < count and time.monotonic() < until and harm < MOST_HARM:
        last = first + 1 if job["alone"] else count
        first = batch(job, first, last, outcomes, until)
        harm = sum(each is not None and each["state"] in ("slow", "died") for each in outcomes)
    return outcomes


def batch(job: dict[str, Any], first: int, last: int, outcomes: list[Any], until: float) -> int:
    """One fork; the call that is to be made next."""
    token = secrets.token_hex(16)
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        child(job, first, last, writing, token)
    os.close(writing)
    rest = b""
    begun, since = first - 1, time.monotonic()
    limit = setting_up = START_S  # the first call imports what all need
    word = "died"
    while True:
        if time.monotonic() - since > limit or time.monotonic() > until:
            word = "slow"
            break
        if not select.select([reading], [], [], 0.05)[0]:
            continue
        data = os.read(reading, 1 << 16)
        if not data:
            break
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            told = _read(line, token)
            if told is None:
                continue
            index, outcome = told
            if outcome is None:
                begun, limit = index, setting_up + job["call_s"] + GRACE_S
            elif index == begun:
                outcomes[index] = outcome
                setting_up = 3.0
            since = time.monotonic()
    os.close(reading)
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except OSError:
            pass
    os.waitpid(pid, 0)
    if begun >= first and outcomes[begun] is None and time.monotonic() < until:
        outcomes[begun] = {"state": word}
    return max(begun, first) + 1


def _read(line: bytes, token: str) -> Any:
    if not line.startswith(token.encode()):
        return None  # said by what ran there, not by us
    try:
        return json.loads(line[len(token) :])
    except ValueError:
        return None


def main() -> None:
    job = json.load(sys.stdin)
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != HERE]
    job["root"] = os.path.realpath(job["root"])
    outcomes = run(job)
    with open(job["out"] + ".new", "w", encoding="utf-8") as out:
        json.dump(outcomes, out)
    os.rename(job["out"] + ".new", job["out"])


if __name__ == "__main__":
    main()
