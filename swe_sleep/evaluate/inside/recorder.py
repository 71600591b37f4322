"""Runs a program that runs tests by unittest, and writes down what became of each as it ends.

    python recorder.py RECORD PROGRAM [ARGUMENT...]

A line of JSON a test: the names that it goes by, the outcome, and what went wrong. For Python 3.5
and later, as old tasks have it.
"""

import json
import os
import runpy
import sys
import unittest
from pathlib import Path
from typing import Any

_open, _write, _close, _getpid = os.open, os.write, os.close, os.getpid  # tests replace them

OUTCOMES = {
    "addSuccess": "passed",
    "addExpectedFailure": "passed",
    "addSkip": "skipped",
    "addFailure": "failed",
    "addUnexpectedSuccess": "failed",
    "addError": "error",
    "addSubTest": "failed",
}


def names(test: Any) -> "list[str]":
    """As its Python says it, as those before 3.11 did, and by its documentation."""
    said = [str(test)]
    if isinstance(test, unittest.TestCase):
        kind = type(test)
        where = kind.__module__ + "." + kind.__qualname__
        said += [test._testMethodName + " (" + where + ")", test.shortDescription() or ""]
    return said


def watch(record: str, pid: int, method: str, outcome: str) -> None:
    original = getattr(unittest.TextTestResult, method)

    def add(self: Any, test: Any, *more: Any) -> Any:
        error = more[-1] if more else None
        if _getpid() == pid and (method != "addSubTest" or error is not None):
            detail = str(error) if method == "addSkip" or not error else repr(error[1])
            line = json.dumps([names(test), outcome, detail]).encode("ascii") + b"\n"
            file = _open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            _write(file, line)
            _close(file)
        return original(self, test, *more)

    setattr(unittest.TextTestResult, method, add)


def main() -> None:
    record, program = sys.argv[1:3]
    for method, outcome in OUTCOMES.items():
        watch(record, _getpid(), method, outcome)
    sys.argv = sys.argv[2:]
    sys.path[0] = str(Path(program).resolve().parent)
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
