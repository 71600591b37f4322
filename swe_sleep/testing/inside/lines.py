"""Which lines run while each test runs, by coverage.py, written out in batches."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

ANYTHING = "<tree>"
"""Stands among the files of a test that started a Python of its own, or a program of the
repository: what ran there, nobody saw."""
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn")
BATCH_TESTS, BATCH_S = 64, 2.0
_clock = time.monotonic  # tests replace it


class Lines:
    """Measures from construction on. Raises ImportError where coverage is not installed.

    What runs outside a test, such as at import, is under the id "". A kill loses at most the
    batch that was not yet written: some tests, or some seconds.
    """

    def __init__(self, root: str, skip: list[str], path: str) -> None:
        import coverage

        self.root, self.path, self.pid = root, path, os.getpid()
        self._cov: Any = coverage.Coverage(
            data_file=None,
            config_file=False,
            include=[os.path.join(root, "*")],
            omit=[os.path.join(folder, "*") for folder in skip] + ["*/site-packages/*"],
            messages=False,
        )
        # sys.monitoring reports a line once only, not once a context; the C tracer is next best.
        try:
            self._cov.set_option("run:core", "ctrace")
        except Exception:  # an older coverage, which has no other
            self._cov.set_option("run:timid", False)
        self._cov.set_option(
            "run:disable_warnings", ["no-data-collected", "no-ctracer", "trace-changed"]
        )
        self._cov.start()
        self._names: dict[str, str] = {"": ""}
        self._count = 0
        self._written = _clock()
        self._test = ""
        self._started: set[str] = set()
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Cheap: it is called for whatever the interpreter does."""
        if event in STARTS and self._test:
            text = repr(arguments[:2])
            if "python" in text or sys.prefix in text or self.root in text or "./" in text:
                self._started.add(self._test)

    def begin(self, test_id: str) -> None:
        """What runs from now on is this test's."""
        self._count += 1
        context = str(self._count)
        self._names[context] = test_id
        self._test = context
        self.resume()
        self._cov.switch_context(context)
        self.pause()

    def resume(self) -> None:
        """Measure again: only while a test's own code runs. Tracing pytest's would cost more than
        most tests take."""
        self._cov.start()

    def pause(self) -> None:
        self._cov.stop()

    def end(self) -> None:
        self._test = ""
        if self._count % BATCH_TESTS == 0 or _clock() - self._written > BATCH_S:
            self._write()

    def finish(self) -> None:
        if os.getpid() == self.pid:
            self._write()

    def _write(self) -> None:
        if os.getpid() != self.pid:
            return
        data = self._cov.get_data()
        found: dict[str, dict[str, list[int]]] = {}
        files = sorted(data.measured_files())
        for file in files:
            name = os.path.relpath(os.path.realpath(file), self.root).replace(os.sep, "/")
            for line, contexts in data.contexts_by_lineno(file).items():
                for context in self._names.keys() & contexts:
                    lines = found.setdefault(context, {}).setdefault(name, [])
                    lines.append(line)
        for context in self._started & self._names.keys():
            found.setdefault(context, {})[ANYTHING] = [1]
        self._started.clear()
        if hasattr(data, "purge_files"):  # since coverage 7.2; before, it only takes longer
            data.purge_files(files)
        with open(self.path, "a", encoding="ascii") as out:
            for context, by_file in found.items():
                test_id = self._names[context]
                ranges = {name: _ranges(sorted(lines)) for name, lines in by_file.items()}
                out.write(json.dumps({"id": test_id, "lines": ranges}) + "\n")
        self._names = {"": "", str(self._count): self._names.get(str(self._count), "")}
        self._written = _clock()


def _ranges(lines: list[int]) -> str:
    """`1-3,7` for 1, 2, 3, 7."""
    parts: list[str] = []
    index = 0
    while index < len(lines):
        last = index
        while last + 1 < len(lines) and lines[last + 1] == lines[last] + 1:
            last += 1
        parts.append(str(lines[index]) if last == index else f"{lines[index]}-{lines[last]}")
        index = last + 1
    return ",".join(parts)
