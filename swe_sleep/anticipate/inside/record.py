"""A plugin for pytest that writes down calls of chosen functions as Python source.

Loaded by name (`-p`), with `record.json` beside it:

    root          the repository's copy
    targets       by absolute file name, a list of [qualified name, first line, kind]
    tests         absolute names of files that hold tests
    entries       whether calls that a test makes itself are kept too, where they lead to a target
    per_function  so many different calls of each are kept
    out           the file that gets a JSON line a call

A call is kept only if the source, evaluated on the spot, gives values that look the same.
"""

from __future__ import annotations

import dis
import importlib.util
import inspect
import json
import os
import re
import sys
import threading
from typing import Any

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TRIES = 25  # of calls looked at, for each one that is to be kept
PER_TEST = 6
CONSTRUCTED = 300  # of each class, how many instances are remembered
RETURNS = {dis.opmap[n] for n in ("RETURN_VALUE", "RETURN_CONST", "YIELD_VALUE") if n in dis.opmap}
LAZY = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
DIGITS = re.compile(r"\d+")
NOTHING = object()


def sibling(name: str) -> Any:
    private = "_swe_sleep_" + name
    if private not in sys.modules:
        spec: Any = importlib.util.spec_from_file_location(private, f"{HERE}/{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[private] = module
        spec.loader.exec_module(module)
    return sys.modules[private]


class Function:
    """What is known of one code object of the repository."""

    def __init__(self, path: str, qualname: str, kind: str, target: bool) -> None:
        self.path, self.qualname, self.kind, self.target = path, qualname, kind, target
        self.kept = self.tries = 0
        self.in_test = ("", 0)
        self.signature: Any = NOTHING

    def wants(self, most: int, test: str) -> bool:
        if self.kept >= most or self.tries >= most * TRIES:
            return False
        return self.in_test[0] != test or self.in_test[1] < PER_TEST


class Recorder:
    """Sees every call of a Python function, and looks into few."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.root = os.path.realpath(job["root"])
        self.rebuild, self.describe = sibling("rebuild"), sibling("describe")
        self.made = self.rebuild.Made()
        self.test = ""
        self.known: dict[int, tuple[Any, Function | None]] = {}
        self.busy = False
        self.depth: list[dict[str, Any]] = []
        self.seen: set[str] = set()
        self.tests = set(job["tests"])
        self.out = open(job["out"], "a", encoding="utf-8")  # noqa: SIM115
        self.pid = os.getpid()
        self.functions: dict[str, dict[tuple[int, str], tuple[str, str]]] = {}

    # -- which calls -----------------------------------------------------------------------------

    def trace(self, frame: Any, event: str, arg: Any) -> Any:
        code = frame.f_code
        entry = self.known.get(id(code))
        if entry is None:
            entry = self.known[id(code)] = (code, self._look_up(frame))
        function = entry[1]
        if function is None or self.busy or frame.f_lineno != code.co_firstlineno:
            return None  # the last: a generator that goes on
        self.busy = True
        try:
            return self._enter(frame, function)
        except Exception:
            return None  # it cannot be rebuilt, or is a class of the repository's that is odd
        finally:
            self.busy = False

    def _look_up(self, frame: Any) -> Function | None:
        code = frame.f_code
        name = os.path.realpath(code.co_filename)
        if not name.startswith(self.root + os.sep) or name in self.tests:
            return None
        found = self._functions(name).get((code.co_firstlineno, code.co_name))
        if found is None:
            return None
        path = os.path.relpath(name, self.root).replace(os.sep, "/")
        wanted = {entry[0] for entry in self.job["targets"].get(path, ())}
        return Function(path, found[0], found[1], found[0] in wanted)

    def _functions(self, name: str) -> dict[tuple[int, str], tuple[str, str]]:
        if name not in self.functions:
            self.functions[name] = sibling("functions").functions_of(name)
        return self.functions[name]

    def _enter(self, frame: Any, function: Function) -> Any:
        from_test = bool(
            self.job["entries"]
            and frame.f_back is not None
            and os.path.realpath(frame.f_back.f_code.co_filename) in self.tests
        )
        for open_call in self.depth:
            if function.target:
                open_call["reached"] = True
        if function.kind == "constructor" and not (function.target or from_test):
            if function.tries < CONSTRUCTED:
                function.tries += 1
                call = self._call(frame, function)
                self._constructed(frame, call)
            return None
        if not (function.target or from_test) or not function.wants(
            self.job["per_function"], self.test
        ):
            return None
        function.tries += 1
        call = self._call(frame, function)
        if function.kind == "constructor":
            self._constructed(frame, call)
        key = json.dumps([call[k] for k in ("path", "qualname", "receiver", "arguments")])
        key += json.dumps(call["keywords"], sort_keys=True)
        if key in self.seen:
            return None
        call["reached"] = function.target
        call["error"] = ""
        if from_test and not function.target:
            self.depth.append(call)
        frame.f_trace_lines = False
        return self._follow(call, function, key)

    def _follow(self, call: dict[str, Any], function: Function, key: str) -> Any:
        """A local trace function that writes the call down when it ends."""

        def local(frame: Any, event: str, arg: Any) -> Any:
            if event == "exception":
                call["error"] = arg[0].__name__
            elif event == "return":
                code = frame.f_code
                lazy = bool(code.co_flags & LAZY)
                if any(open_call is call for open_call in self.depth):
                    self.depth[:] = [each for each in self.depth if each is not call]
                if not lazy and code.co_code[frame.f_lasti] not in RETURNS:
                    call["raised"] = call["error"] or "Exception"
                elif function.kind != "constructor":
                    self.busy = True
                    try:
                        call["result"] = "" if lazy else self.describe.shown(arg)
                    finally:
                        self.busy = False
                if call["reached"] and key not in self.seen:
                    self.seen.add(key)
                    function.kept += 1
                    count = function.in_test[1] if function.in_test[0] == self.test else 0
                    function.in_test = (self.test, count + 1)
                    self._write(call)
                return None
            return local

        return local

    def _write(self, call: dict[str, Any]) -> None:
        if os.getpid() == self.pid:
            kept = {k: v for k, v in call.items() if k not in ("reached", "error")}
            self.out.write(json.dumps(kept) + "\n")
            self.out.flush()

    # -- as source -------------------------------------------------------------------------------

    def _call(self, frame: Any, function: Function) -> dict[str, Any]:
        """The call as source. Raises CannotRebuild."""
        code, values = frame.f_code, frame.f_locals
        writer = self.rebuild.Writer(self.root, self.made)
        module = frame.f_globals.get("__name__", "")
        if module == "__main__" or module not in sys.modules:
            raise self.rebuild.CannotRebuild("no module")
        names = list(code.co_varnames)
        plain = names[: code.co_argcount]
        only = names[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        more = names[code.co_argcount + code.co_kwonlyargcount :]
        star = more.pop(0) if code.co_flags & inspect.CO_VARARGS else ""
        stars = more.pop(0) if code.co_flags & inspect.CO_VARKEYWORDS else ""
        receiver, values_of = "", [values[name] for name in plain]
        originals: list[Any] = []
        if function.kind in ("method", "property", "classmethod", "constructor"):
            first = values_of.pop(0)
            plain.pop(0)
            if function.kind == "constructor":
                receiver = writer.dotted(type(first))
            else:
                receiver = writer.write(first)
                originals.append((receiver, first))
        elif function.kind == "static":
            owner = function.qualname.rpartition(".")[0]
            writer.bind(f"from {module} import {owner.partition('.')[0]}")
            receiver = owner
        else:
            writer.bind(f"from {module} import {function.qualname}")
        defaults = self._defaults(frame, function)
        arguments: list[str] = []
        keywords: dict[str, str] = {}
        by_name = False  # once one is left out, the rest go by their names
        packed = values.get(star, ()) if star else ()
        for name, value in zip(plain, values_of):
            if name in defaults and not packed and _same(defaults[name], value):
                by_name = True
                continue
            text = writer.write(value)
            originals.append((text, value))
            if by_name:
                keywords[name] = text
            else:
                arguments.append(text)
        for value in packed:
            arguments.append(writer.write(value))
            originals.append((arguments[-1], value))
        for name in only:
            if name in defaults and _same(defaults[name], values[name]):
                continue
            keywords[name] = writer.write(values[name])
            originals.append((keywords[name], values[name]))
        for name, value in (values.get(stars, {}) if stars else {}).items():
            keywords[name] = writer.write(value)
            originals.append((keywords[name], value))
        self._check(originals, writer.imports)
        return {
            "path": function.path, "qualname": function.qualname, "test_id": self.test,
            "kind": function.kind, "receiver": receiver, "arguments": arguments,
            "keywords": keywords, "imports": writer.imports, "raised": "", "result": "",
        }  # fmt: skip

    def _defaults(self, frame: Any, function: Function) -> dict[str, Any]:
        """The parameters' defaults, where the function object can be found."""
        if function.signature is NOTHING:
            function.signature = {}
            found: Any = None
            parts = function.qualname.split(".")
            for i, part in enumerate(parts):
                space = frame.f_globals if i == 0 else getattr(found, "__dict__", {})
                found = space.get(part)
            for _ in range(10):
                found = getattr(found, "__func__", None) or getattr(found, "fget", None) or found
                if getattr(found, "__code__", None) is frame.f_code:
                    for name, parameter in inspect.signature(
                        found, follow_wrapped=False
                    ).parameters.items():
                        if parameter.default is not inspect.Parameter.empty:
                            function.signature[name] = parameter.default
                    break
                found = getattr(found, "__wrapped__", None)
        known: dict[str, Any] = function.signature
        return known

    def _check(self, originals: list[Any], imports: tuple[str, ...]) -> None:
        """Whether the source gives the same again."""
        space: dict[str, Any] = {}
        for line in imports:
            exec(line, space)
        for text, value in originals:
            again = eval(text, space)
            one, other = self.describe.describe(again), self.describe.describe(value)
            if self.made.of(value) is not None:  # many classes number their instances
                one, other = DIGITS.sub("0", one), DIGITS.sub("0", other)
            if type(again) is not type(value) or one != other:
                raise self.rebuild.CannotRebuild("it became another")

    def _constructed(self, frame: Any, call: dict[str, Any]) -> None:
        instance = frame.f_locals[frame.f_code.co_varnames[0]]
        if self.made.of(instance) is not None:
            return  # a base's constructor, called from its own
        parts = [*call["arguments"], *("{}={}".format(*p) for p in call["keywords"].items())]
        text = "{}({})".format(call["receiver"], ", ".join(parts))
        if len(text) < self.rebuild.MOST_CHARS:
            self.made.keep(instance, text, tuple(call["imports"]))

    # -- of pytest -------------------------------------------------------------------------------

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        self.test = item.nodeid
        del self.depth[:]
        old, old_threads = sys.gettrace(), getattr(threading, "_trace_hook", None)
        sys.settrace(self.trace)
        threading.settrace(self.trace)
        try:
            yield
        finally:
            sys.settrace(old)
            threading.settrace(old_threads)
            self.test = ""


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    simple = (bool, int, float, str, bytes, tuple)
    return type(one) is type(other) and type(one) in simple and bool(one == other)


def pytest_configure(config: Any) -> None:
    with open(os.path.join(HERE, "record.json"), encoding="utf-8") as file:
        job = json.load(file)
    config.pluginmanager.register(Recorder(job), "swe-sleep-record")
