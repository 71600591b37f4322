"""A plugin for pytest that runs variants of tests, each in a fork, and tells what came of them.

Loaded by name (`-p`), with `amplify.json` beside it:

    root        the repository's copy
    hints       a list of [source of a value, whether a guard that went names it]
    per_test, most    so many variants of a test, and of all
    edits       null, or by test id the variants to run: a list of {edits, params}
    test_s, total_s
    watch       by path, ranges of lines: the functions that changed
    out         the file that gets a JSON line a variant

An assertion is looked at and not acted on, so that a variant runs to its end; the value of each is
told. A variant that does not reach a watched line is left out of what is told.
"""

from __future__ import annotations

import ast
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
from typing import Any

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
_write, _exit = os.write, os._exit  # what runs here may replace them
MOST_SEEN = 200
FUTURE = 0x1FF0000  # flags of `from __future__` in a code object


def sibling(name: str) -> Any:
    private = "_swe_sleep_" + name
    if private not in sys.modules:
        spec: Any = importlib.util.spec_from_file_location(private, f"{HERE}/{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[private] = module
        spec.loader.exec_module(module)
    return sys.modules[private]


class Looking(ast.NodeTransformer):
    """Turns `assert a == b` into `__see__(line, "Eq", a, b)`: values are told, not judged."""

    def visit_Assert(self, node: Any) -> Any:
        number = ast.Constant(node.lineno)
        parts = [node.test]
        if isinstance(node.test, ast.Compare) and len(node.test.ops) == 1:
            parts = [node.test.left, node.test.comparators[0]]
            name = ast.Constant(type(node.test.ops[0]).__name__)
        else:
            name = ast.Constant("")
        call = ast.Call(ast.Name("__see__", ast.Load()), [number, name, *parts], [])
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(call), node))


OPERATORS: dict[str, Any] = {
    "Eq": lambda a, b: a == b, "NotEq": lambda a, b: a != b, "Lt": lambda a, b: a < b,
    "LtE": lambda a, b: a <= b, "Gt": lambda a, b: a > b, "GtE": lambda a, b: a >= b,
    "Is": lambda a, b: a is b, "IsNot": lambda a, b: a is not b,
    "In": lambda a, b: a in b, "NotIn": lambda a, b: a not in b, "Not": lambda a: not a,
}  # fmt: skip
UNITTEST = {
    "assertEqual": "Eq", "assertNotEqual": "NotEq", "assertTrue": "", "assertFalse": "Not",
    "assertIn": "In", "assertNotIn": "NotIn", "assertIs": "Is", "assertIsNot": "IsNot",
    "assertIsNone": "None", "assertIsNotNone": "NotNone", "assertLess": "Lt",
    "assertLessEqual": "LtE", "assertGreater": "Gt", "assertGreaterEqual": "GtE",
}  # fmt: skip


class Amplifier:
    """Takes the place of pytest's loop over the tests."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.root = os.path.realpath(job["root"])
        self.mutants, self.describe = sibling("mutants"), sibling("describe")
        self.caller = sibling("replay").Caller({"root": self.root, "watch": {}})
        self.watch = {os.path.join(self.root, p): r for p, r in job["watch"].items()}
        self.error: Any = None
        self.when = ""
        self.seen: list[Any] = []
        self.reached = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        until = time.monotonic() + self.job["total_s"]
        queues = []
        for item in session.items:
            plan = self.plan(item)
            if plan is not None:
                queues.append((item, plan))
        count = 0
        with open(self.job["out"] + ".new", "w", encoding="utf-8") as out:
            while queues and time.monotonic() < until and count < self.job["most"]:
                for entry in list(queues):  # each test has its share
                    item, plan = entry
                    mutant = next(plan, None)
                    if mutant is None:
                        queues.remove(entry)
                        continue
                    told = self.fork(item, mutant)
                    count += 1
                    if not told.get("reached") and not mutant.get("first"):
                        continue
                    if mutant.get("first") and not (
                        told.get("reached") and told["state"] == "passed"
                    ):
                        queues.remove(entry)  # it fails, or never comes there, as it stands
                    row = {"id": item.nodeid, "mutant": mutant, "told": told}
                    out.write(json.dumps(row) + "\n")
                    if time.monotonic() > until:
                        break
        os.rename(self.job["out"] + ".new", self.job["out"])
        return True

    def plan(self, item: Any) -> Any:
        """The variants of one test, itself first; None for one that cannot be varied."""
        function = self.function(item)
        if function is None or function.__code__.co_freevars:
            return None
        params = {}
        for name, value in getattr(getattr(item, "callspec", None), "params", {}).items():
            text = sibling("replay")._literal(value)
            if not text:
                return None
            params[name] = text
        first = {"edits": [], "params": {}, "all": params, "first": True}
        chosen = self.job["edits"]
        if chosen is not None:
            return iter([{**m, "all": params} for m in chosen.get(item.nodeid, ())])
        node = self.node(item)
        if node is None:
            return None
        found = self.mutants.variants(node, params, self.job["hints"])
        kept = ({**m, "all": params} for m in found)
        return itertools.chain([first], itertools.islice(kept, self.job["per_test"]))

    def function(self, item: Any) -> Any:
        name = getattr(item, "originalname", None) or item.name
        found = getattr(item.cls, name, None) if getattr(item, "cls", None) else item.obj
        found = inspect.unwrap(getattr(found, "__func__", found)) if callable(found) else None
        return found if inspect.isfunction(found) else None

    def node(self, item: Any, source: Any = None) -> Any:
        if source is None:
            with open(str(item.fspath), "rb") as file:
                source = file.read()
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            return None
        names = item.nodeid.split("::")[1:]
        names[-1] = getattr(item, "originalname", None) or names[-1]
        return self.mutants.find(tree, names)

    # -- in the fork -----------------------------------------------------------------------------

    def fork(self, item: Any, mutant: dict[str, Any]) -> dict[str, Any]:
        token = secrets.token_hex(16)
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                os.setsid()
                nothing = os.open(os.devnull, os.O_RDWR)
                for number in (0, 1, 2):
                    os.dup2(nothing, number)
                told = self.run(item, mutant)
                data = (token + json.dumps(told) + "\n").encode()
                while data:
                    data = data[_write(writing, data) :]
            except BaseException:
                pass
            finally:
                _exit(0)
        os.close(writing)
        data = b""
        until = time.monotonic() + self.job["test_s"] + 5
        state = "died"
        while True:
            if time.monotonic() > until:
                state = "slow"
                break
            if select.select([reading], [], [], 0.05)[0]:
                more = os.read(reading, 1 << 16)
                if not more:
                    break
                data += more
        os.close(reading)
        for kill in (os.killpg, os.kill):
            try:
                kill(pid, signal.SIGKILL)
            except OSError:
                pass
        os.waitpid(pid, 0)
        for line in data.splitlines():
            if line.startswith(token.encode()):
                heard: dict[str, Any] = json.loads(line[len(token) :])
                return heard
        return {"state": state, "reached": True}

    def run(self, item: Any, mutant: dict[str, Any]) -> dict[str, Any]:
        function = self.function(item)
        if not self.put(item, function, mutant):
            return {"state": "setup"}
        from _pytest.runner import runtestprotocol

        def ring(number: int, frame: Any) -> None:
            raise sibling("replay").TimeLimit

        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, self.job["test_s"])
        sys.settrace(self.trace)
        try:
            runtestprotocol(item, log=False, nextitem=None)
        except sibling("replay").TimeLimit:
            return {"state": "slow", "reached": True}
        finally:
            sys.settrace(None)
            signal.setitimer(signal.ITIMER_REAL, 0)
        if self.error is None:
            told: dict[str, Any] = {"state": "passed"}
        elif isinstance(self.error, sibling("replay").TimeLimit):
            told = {"state": "slow"}
        elif self.when != "call":
            told = {"state": "setup"}
        else:
            told = self.caller._raised(self.error)
        told["seen"] = self.seen
        told["reached"] = self.reached
        return told

    def put(self, item: Any, function: Any, mutant: dict[str, Any]) -> bool:
        with open(str(item.fspath), "rb") as file:
            source = file.read()
        node = self.node(item, self.mutants.edited(source, mutant["edits"]))
        if node is None:
            return False
        node.decorator_list = []
        node.args.defaults, node.args.kw_defaults = [], [None] * len(node.args.kwonlyargs)
        node.returns = None
        node = Looking().visit(node)
        tree = ast.Module([node], [])
        flags = function.__code__.co_flags & FUTURE
        space: dict[str, Any] = {}
        try:
            code = compile(tree, function.__code__.co_filename, "exec", flags, True)
            exec(code, space)
            made = space[node.name].__code__
            if made.co_freevars:
                return False
            function.__code__ = made
            for name, text in mutant["params"].items():
                item.callspec.params[name] = eval(text, {})
        except Exception:
            return False
        function.__globals__["__see__"] = self.see
        import unittest

        for name, operator in UNITTEST.items():
            setattr(unittest.TestCase, name, self.looking(operator))
        return True

    def looking(self, operator: str) -> Any:
        """A method of unittest's that looks, in place of one that judges."""

        def look(case: Any, *parts: Any, **more: Any) -> None:
            if operator in ("None", "NotNone"):
                parts = (parts[0], None)
            count = 1 if operator in ("", "Not") else 2
            line = sys._getframe(1).f_lineno
            self.see(
                line, {"None": "Is", "NotNone": "IsNot"}.get(operator, operator), *parts[:count]
            )

        return look

    def see(self, number: int, name: str, *parts: Any) -> None:
        if len(self.seen) >= MOST_SEEN:
            return
        texts = [self.describe.describe(part) for part in parts]
        try:
            truth = bool(OPERATORS[name](*parts) if name else parts[0])
        except Exception as error:
            self.seen.append([number, "raises " + type(error).__name__, texts])
            return
        self.seen.append([number, truth, texts])

    def trace(self, frame: Any, event: str, arg: Any) -> Any:
        ranges = self.watch.get(frame.f_code.co_filename)
        if ranges and any(first <= frame.f_code.co_firstlineno <= last for first, last in ranges):
            self.reached = True
            sys.settrace(None)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        yield  # what a test of unittest raised is only put there now
        if call.excinfo is not None and self.error is None:
            self.error, self.when = call.excinfo.value, call.when


def pytest_configure(config: Any) -> None:
    with open(os.path.join(HERE, "amplify.json"), encoding="utf-8") as file:
        job = json.load(file)
    config.pluginmanager.register(Amplifier(job), "swe-sleep-amplify")
