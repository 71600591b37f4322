"""Calls one function or class of a repository with many values that fit it, and writes down what
breaks.

    exercise.py < JOB

A job is a JSON object:

    root, path      the repository's copy; folders to put first on sys.path
    packages        where hypothesis is, if the environment has none
    out             the file that results go to, one JSON object a line
    file, module, qualname
    examples        calls that are known to be right: {receiver, arguments, keywords, imports}
    documented      types by parameter, as the docstring has them
    guesses         the same, told from the names alone
    properties      {kind, other}: what else must hold
    expected        names of exceptions that are meant
    seconds, call_s  of the processor, for all and for one call
    most_examples

Everything drawn is source text, so what is found can be written down as it is.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import random
import sys
import time
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = 3
"""Different failures that are looked for in one property."""


def sibling(name: str) -> Any:
    """The module beside this one, under a name that no repository has."""
    private = "_swe_sleep_hunt_" + name
    if private not in sys.modules:
        spec: Any = importlib.util.spec_from_file_location(private, f"{HERE}/{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[private] = module
        spec.loader.exec_module(module)
    return sys.modules[private]


class Over(BaseException):
    """The time is up."""


class Failed(Exception):
    """A call did what it should not."""


class Exercise:
    """One job."""

    def __init__(self, job: dict[str, Any], out: Any) -> None:
        self.job, self._out = job, out
        self.until = time.process_time() + job["seconds"]
        self.calls = 0
        self.guard = sibling("guarding").Guard(job["call_s"])
        self.crashes = sibling("crashes")
        self.files = self.crashes.Files(job["root"])

    def write(self, **record: Any) -> None:
        self._out.write(json.dumps(record) + "\n")
        self._out.flush()

    def run(self) -> None:
        touched = sibling("guarding").Touched
        for name in ("crashes", "expressions", "drawing"):  # the later ones look for the earlier
            sibling(name)
        drawing = sibling("drawing")
        try:
            target = drawing.Target(self.job, self.guard)
            parts = sibling("properties").properties(self, target)
        except sibling("expressions").NoFit as error:
            self.write(e="none", why=str(error))
            return
        except touched:
            self.write(e="touched", why=self.guard.touched)
            return
        self.write(e="begun", evidence=target.evidence, examples=len(target.calls))
        try:
            for part in parts:
                self._search(part, target)
                if self.guard.touched:
                    break
        except Over:
            pass
        if self.guard.touched:
            self.write(e="touched", why=self.guard.touched)
        self.write(e="end", calls=self.calls)

    def _search(self, part: Any, target: Any) -> None:
        """One property, with calls that are known to be right first, then drawn ones."""
        if not part.holds_for_examples():
            self.write(e="dropped", property=part.name)
            return
        known = set()  # type: set[Any]
        for _ in range(ROUNDS):
            best = {}  # type: dict[Any, Any]
            over = self._round(part, target, known, best)
            if not best:
                return
            for key, (_, call, failure) in best.items():
                known.add(key)
                self.write(
                    e="found",
                    property=part.name,
                    other=part.other,
                    kind=failure.kind,
                    message=failure.message,
                    frames=failure.frames,
                    statement=failure.statement,
                    lazy=getattr(failure, "lazy", False),
                    call=call,
                    imports=target.imports_of(call),
                    evidence=target.evidence_of(call),
                )
            if over or any(key[0] == "hang" for key in best):
                return

    def _round(self, part: Any, target: Any, known: Any, best: Any) -> bool:
        import hypothesis

        def check(call: Any) -> None:
            if time.process_time() > self.until or self.guard.touched:
                raise Over
            self.calls += 1
            failure = part.failure(call)
            if failure is None or failure.key in known:
                return
            size = (sum(len(source) for source in target.sources(call)), str(call))
            call = getattr(failure, "call", None) or call
            if failure.key not in best or size < best[failure.key][0]:
                best[failure.key] = (size, call, failure)
            if failure.kind == "hang":
                raise Over
            raise Failed

        settings = hypothesis.settings(
            derandomize=True,
            database=None,
            deadline=None,
            max_examples=self.job["most_examples"],
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
            report_multiple_bugs=False,
        )
        try:
            given: Any = hypothesis.given(target.drawn)
            settings(given(check))()
        except Over:
            return True
        except hypothesis.errors.HypothesisException:
            return False  # it did not fail again with the same values; the host has the last word
        except Failed:
            return False
        return False


def main() -> None:
    job = json.load(sys.stdin)
    out = open(job["out"], "w", encoding="utf-8")  # noqa: SIM115
    os.chdir(job["root"])
    sys.dont_write_bytecode = True
    random.seed(0)
    path = [job["root"], *job["path"]]
    sys.path[:] = path + [p for p in sys.path if p not in path and p != HERE]
    guarding = sibling("guarding")
    guarding.hush()
    exercise = Exercise(job, out)
    try:
        try:
            import hypothesis
        except ImportError:
            sys.path.append(job["packages"])
            import hypothesis  # noqa: F401
    except ImportError as error:
        exercise.write(e="none", why="hypothesis can not be imported: %s" % error)
        return
    exercise.guard.install()
    try:
        exercise.run()
    except Exception as error:
        import traceback

        exercise.write(e="problem", why=repr(error), trace=traceback.format_exc()[-3000:])
    out.flush()
    os._exit(0)  # threads and exit functions of the repository do not hold us up


if __name__ == "__main__":
    main()
