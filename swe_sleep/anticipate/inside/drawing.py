"""What is exercised, and the strategy of its calls: those that were seen, with a value or two of
them changed for others that fit; or, where none was seen, what annotations and docstrings allow."""

from __future__ import annotations

import asyncio
import collections.abc
import importlib
import inspect
import re
import typing
from typing import Any

from hypothesis import strategies as st

_BESIDE = "swe_sleep.anticipate.inside." if __package__ else "_swe_sleep_hunt_"
expressions: Any = importlib.import_module(_BESIDE + "expressions")
NoFit = expressions.NoFit

ALWAYS = ("datetime", "decimal", "fractions", "pathlib")
MOST_TAKEN = 200
"""Items that are taken of what a call gives back as an iterator."""
_PLAIN = {kind.__name__: kind for kind in (str, int, float, bytes, bool)}
_LANGUAGES = re.compile(
    r"(?:^|_)(?:format|fmt|template|pattern|regexp?|expr\w*|spec|mode|encoding|locale|query|code)s?$"
)
_NOT_MADE = ("Base", "Mixin", "Abstract", "Meta", "Protocol", "Interface")


class Names:
    """The short names that sources use, and the imports that they need."""

    def __init__(self) -> None:
        self.imports = {}  # type: dict[str, str]
        self.space = {name: importlib.import_module(name) for name in ALWAYS}  # type: dict[str, Any]
        self.imports.update((name, "import " + name) for name in ALWAYS)

    def add(self, line: str) -> None:
        """An import line that an example needs."""
        before = dict(self.space)
        exec(line, self.space)
        self.space.pop("__builtins__", None)
        for name, value in self.space.items():
            if name not in before or before[name] is not value:
                self.imports[name] = line

    def of(self, kind: Any) -> str:
        """The source of a class or function."""
        module, name = kind.__module__, kind.__qualname__
        if "<" in name:
            raise NoFit("%s has no name" % name)
        first = name.split(".")[0]
        line = "from %s import %s" % (module, first)
        if self.imports.get(first, line) != line:
            raise NoFit("two things are called %s" % first)
        try:
            self.add(line)
        except Exception as error:
            raise NoFit(str(error)) from None
        return str(name)


class Target:
    """A function, a method or a class, and what calls of it look like."""

    def __init__(self, job: Any, guard: Any) -> None:
        self.job, self.guard = job, guard
        try:
            self.module = importlib.import_module(job["module"])
        except BaseException as error:
            raise NoFit("it can not be imported: %r" % error) from None
        self.names = Names()
        self.owner, self.object = self._find()
        self.is_class = inspect.isclass(self.object)
        self.bound = self._is_bound()
        function = getattr(self.object, "__func__", self.object)
        if asyncio.iscoroutinefunction(function) or not callable(self.object):
            raise NoFit("it is no plain function")
        try:
            self.parameters = list(inspect.signature(self.object).parameters.values())
        except (ValueError, TypeError) as error:
            raise NoFit(str(error)) from None
        if self.bound:
            self.parameters = self.parameters[1:]
        self.evidence = {}  # type: dict[str, str]
        self.seen = {}  # type: dict[str, Any]
        self.calls = []  # type: list[Any]
        self.shapes = {}  # type: dict[str, Any]
        self.prefix = self.names.of(self.object if self.owner is None else self.owner)
        self._read_examples()
        self.drawn = self._calls()

    # -- what it is --------------------------------------------------------------------------------

    def _find(self) -> Any:
        owner, found = None, self.module  # type: Any, Any
        for part in self.job["qualname"].split("."):
            owner, before = (found if inspect.isclass(found) else None), found
            found = inspect.getattr_static(before, part, None)
            if found is None:
                raise NoFit("it is not there once imported")
        if isinstance(found, (staticmethod, classmethod)):
            return owner, found.__get__(None, owner)
        return owner, found

    def _is_bound(self) -> bool:
        if self.owner is None:
            return False
        static = inspect.getattr_static(self.owner, self.job["qualname"].split(".")[-1])
        return not isinstance(static, (staticmethod, classmethod))

    # -- what was seen -----------------------------------------------------------------------------

    def _read_examples(self) -> None:
        for example in self.job["examples"]:
            call = {
                "receiver": example["receiver"] if self.bound else "",
                "arguments": list(example["arguments"]),
                "keywords": dict(example["keywords"]),
            }
            try:
                for line in example["imports"]:
                    self.names.add(line)
                _, arguments, keywords = self.values(call)
                if self.bound and not call["receiver"]:
                    continue
                slots = self.slots(call)
                if self._misfits(slots, [*arguments, *keywords.values()]):
                    continue  # a test of what happens with something else
            except Exception:  # an example that can not be built again is none
                continue
            self.calls.append(call)
            shapes = [expressions.shape(value) for value in [*arguments, *keywords.values()]]
            self.shapes[str(call)] = shapes
            for (_, _, name), value in zip(slots, [*arguments, *keywords.values()]):
                if name:
                    self.seen.setdefault(name, []).append(value)
                    told = any(
                        p.name == name and p.annotation is not p.empty for p in self.parameters
                    )
                    self.evidence[name] = "annotation" if told else "seen"
        del self.calls[40:]

    def _misfits(self, slots: Any, values: Any) -> bool:
        """Whether a value is plainly of another type than its annotation says."""
        hints: Any = {
            p.name: p.annotation for p in self.parameters if p.kind is not p.VAR_POSITIONAL
        }
        for (_, _, name), value in zip(slots, values):
            hint: Any = _PLAIN.get(str(hints.get(name)), hints.get(name))
            if hint is float and isinstance(value, int):
                continue
            if hint in _PLAIN.values() and not isinstance(value, hint):
                return True
        return False

    def slots(self, call: Any) -> Any:
        """The arguments of a call, each with its parameter's name."""
        found = []  # type: list[Any]
        positional = [
            p for p in self.parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        rest = next((p.name for p in self.parameters if p.kind is p.VAR_POSITIONAL), "")
        for number in range(len(call["arguments"])):
            name = positional[number].name if number < len(positional) else rest
            if not name:
                raise NoFit("an example has too many arguments")
            found.append(("arguments", number, name))
        found.extend(("keywords", name, name) for name in call["keywords"])
        return found

    # -- what calls there may be -------------------------------------------------------------------

    def _calls(self) -> Any:
        if self.is_class:
            self.parameters = [
                p for p in self.parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
            ]
        options = []
        if self.calls:
            options.append(self._near_examples())
        else:
            options.append(self._from_types())
        return st.one_of(options)

    def _near_examples(self) -> Any:
        fitting = {}  # type: dict[Any, Any]
        for parameter in self.parameters:
            name, annotated = parameter.name, self._annotated(parameter)
            if _LANGUAGES.search(name):
                continue  # any change of it may make it mean nothing
            shapes = {expressions.shape(value) for value in self.seen.get(name, ())}
            for each in shapes:
                values = [v for v in self.seen[name] if expressions.shape(v) == each]
                try:
                    strategy = expressions.like(values)
                except NoFit:
                    continue
                if annotated is not None:
                    strategy = st.one_of(strategy, annotated)
                fitting[name, each] = strategy
        shortest = sorted(self.calls, key=lambda call: (len(str(call)), str(call)))
        shapes_of = self.shapes

        @st.composite
        def near(draw: Any) -> Any:
            call = draw(st.sampled_from(shortest))
            call = {
                "receiver": call["receiver"],
                "arguments": list(call["arguments"]),
                "keywords": dict(call["keywords"]),
            }
            for (kind, place, name), each in zip(self.slots(call), shapes_of[str(call)]):
                if (name, each) in fitting and draw(st.booleans()):
                    call[kind][place] = draw(fitting[name, each])
            return call

        return near()

    def _from_types(self) -> Any:
        required, optional = {}, {}  # type: dict[str, Any], dict[str, Any]
        for parameter in self.parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            strategy = self._typed(parameter)
            if parameter.default is parameter.empty:
                if strategy is None:
                    raise NoFit("nothing says what %s takes" % parameter.name)
                required[parameter.name] = strategy
            elif strategy is not None:
                optional[parameter.name] = strategy
        positional = [p.name for p in self.parameters if p.kind is not p.KEYWORD_ONLY]
        only = [p.name for p in self.parameters if p.kind is p.POSITIONAL_ONLY]
        drawn = st.fixed_dictionaries(
            required, optional={name: s for name, s in optional.items() if name not in only}
        )

        def made(pair: Any) -> Any:
            receiver, values = pair
            first = [name for name in positional if name in required]
            return {
                "receiver": receiver,
                "arguments": [values[name] for name in first],
                "keywords": {n: v for n, v in values.items() if n not in first},
            }

        return st.tuples(self._receivers(), drawn).map(made)

    def _receivers(self) -> Any:
        if not self.bound:
            return st.just("")
        if any(part in self.owner.__name__ for part in _NOT_MADE) or inspect.isabstract(self.owner):
            raise NoFit("%s is there to be inherited from" % self.owner.__name__)
        self.evidence["self"] = "annotation"
        return expressions.constructed(self.owner, self.names.of)

    def _typed(self, parameter: Any) -> Any:
        annotated = self._annotated(parameter)
        if annotated is not None:
            self.evidence.setdefault(parameter.name, "annotation")
            return annotated
        for where, label in (("documented", "docstring"), ("guesses", "guess")):
            said = self.job[where].get(parameter.name)
            if said:
                try:
                    hint = eval(said, dict(vars(typing)))
                    strategy = expressions.of_annotation(hint, self.names.of)
                except Exception:
                    continue
                self.evidence.setdefault(parameter.name, label)
                return strategy
        if isinstance(parameter.default, bool):
            self.evidence.setdefault(parameter.name, "default")
            return st.sampled_from(["False", "True"])
        return None

    def _annotated(self, parameter: Any) -> Any:
        hint = parameter.annotation
        if hint is parameter.empty:
            return None
        if isinstance(hint, str):
            space = {**vars(typing), **vars(collections.abc), **vars(self.module)}
            try:
                hint = eval(hint, space)
            except Exception:
                return None
        try:
            return expressions.of_annotation(hint, self.names.of)
        except NoFit:
            return None

    # -- one call ----------------------------------------------------------------------------------

    def values(self, call: Any) -> Any:
        """The receiver, arguments and keywords, built anew."""
        space = dict(self.names.space)

        def build(source: str) -> Any:
            return eval(source, space)

        receiver = build(call["receiver"]) if call["receiver"] else None
        arguments = [build(source) for source in call["arguments"]]
        keywords = {name: build(source) for name, source in call["keywords"].items()}
        return receiver, arguments, keywords

    def sources(self, call: Any) -> Any:
        return [call["receiver"], *call["arguments"], *call["keywords"].values()]

    def written(self, call: Any, name: str = "") -> str:
        """A call as source; `name` is that of a function beside the target."""
        own = self.job["qualname"].split(".")
        if self.bound:
            prefix = "%s.%s" % (call["receiver"], name or own[-1])
        else:
            prefix = ".".join([*own[:-1], name]) if name else ".".join(own)
        parts = [*call["arguments"], *("%s=%s" % pair for pair in call["keywords"].items())]
        return "%s(%s)" % (prefix, ", ".join(parts))

    def function(self, receiver: Any, name: str = "") -> Any:
        own = self.job["qualname"].split(".")
        holder = receiver if self.bound else self.owner or self.module
        return getattr(holder, name or own[-1])

    def take(self, value: Any) -> Any:
        """Of an iterator what it gives."""
        if isinstance(value, collections.abc.Iterator):
            taken = []
            for number, item in enumerate(value):
                taken.append(item)
                if number >= MOST_TAKEN:
                    break
            return taken
        return value

    def imports_of(self, call: Any) -> Any:
        """The import lines that a call's sources need."""
        import ast

        names = {self.prefix.split(".")[0]}
        for source in self.sources(call):
            if source:
                names |= {n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)}
        return sorted({self.names.imports[n] for n in names if n in self.names.imports})

    def evidence_of(self, call: Any) -> Any:
        return {name: self.evidence.get(name, "default") for _, _, name in self.slots(call)}
