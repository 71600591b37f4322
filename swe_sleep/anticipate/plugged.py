"""Test runs in a sandbox with a plugin of ours in them, which writes down what it sees."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.testing.tests import Tests

MOST_BYTES = 50_000_000


class Plugged(Tests):
    """Runs with the program `inside/NAME.py` loaded as a plugin. It finds its job in `NAME.json`
    beside it, and writes JSON lines to the file that the job names as `out`."""

    def __init__(self, sandbox: Sandbox, name: str, siblings: Sequence[str]) -> None:
        super().__init__(sandbox)
        self._name, self._siblings = name, siblings

    @property
    def folder(self) -> str:
        return posixpath.join(self.sandbox.scratch, self._name)

    @property
    def _module(self) -> str:
        return f"_swe_sleep_{self._name}"

    def job(
        self, test_ids: Sequence[str] | None, *, timeout_s: float, test_timeout_s: float
    ) -> dict[str, Any]:
        job = super().job(test_ids, timeout_s=timeout_s, test_timeout_s=test_timeout_s)
        return job | {
            "path": [*job["path"], self.folder],
            "options": ["-p", self._module, *job["options"]],
        }

    def plug(self, job: Mapping[str, Any]) -> None:
        """Put the plugin and its job into the sandbox."""
        inside = files("swe_sleep.anticipate.inside")
        programs = {f"{name}.py": (inside / f"{name}.py").read_bytes() for name in self._siblings}
        programs[f"{self._module}.py"] = (inside / f"{self._name}.py").read_bytes()
        whole = {"root": self.sandbox.workdir, "out": self._out, **job}
        programs[f"{self._name}.json"] = json.dumps(whole).encode()
        self.sandbox.put({posixpath.join(self.folder, n): c for n, c in programs.items()})
        self.sandbox.put({self._out: None})

    @property
    def _out(self) -> str:
        return posixpath.join(self.folder, "told.jsonl")

    def rows(self) -> Iterator[dict[str, Any]]:
        """What the plugin wrote; lines that are no JSON objects are left out."""
        try:
            text = self.sandbox.get(self._out, limit_bytes=MOST_BYTES)
        except FileNotFoundError:
            return
        for line in text.decode(errors="replace").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield row
