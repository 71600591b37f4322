"""The test that shows a fault, as a person would write it: one call, and what it gave before."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from swe_sleep.anticipate.proving.inputs import Candidate
from swe_sleep.anticipate.proving.judge import Verdict
from swe_sleep.anticipate.proving.replaying import Outcome
from swe_sleep.records import Place, WrittenTest, file_of
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.testing.discovery import find_test_files, layout

INLINE = re.compile(r"__import__\('(\w+)'\)")
COLUMNS = 96


def written(
    candidate: Candidate, old: Outcome, verdict: Verdict, cause: Place, snapshot: Snapshot
) -> WrittenTest:
    """A test that passes on the version before the change, and fails for the verdict's reason."""
    call = candidate.call
    expression = INLINE.sub(r"\1", call.expression)
    imports = {*call.imports, *(f"import {name}" for name in INLINE.findall(call.expression))}
    lines: list[str] = []
    if old.state == "raised":
        if old.module != "builtins":
            imports.add(f"from {old.module} import {old.type}")
        imports.add("import pytest")
        lines = [f"with pytest.raises({old.type}):", f"    {expression}"]
        was = f"raised {old.error}"
    elif verdict.kind in ("annotation", "documented") and old.source:
        lines = [f"assert {expression} == {old.source}"]
        was = f"gave {old.shown}"
    elif old.source in ("None", "True", "False"):
        lines = [f"assert {expression} is {old.source}"]
        was = f"gave {old.source}"
    elif old.source and len(old.source) < 400:
        lines = [f"result = {expression}", f"assert result == {old.source}"]
        was = f"gave {old.shown}"
    else:
        kind = old.type.rpartition(".")[2]
        lines = [f"result = {expression}", f'assert type(result).__name__ == "{kind}"']
        was = f"gave {old.shown}"
    name = _name(call.qualname)
    comment = [f"It {one_line(was)} before the change at {cause};", f"now: {verdict.symptom}."]
    body = [*(f"    # {one_line(text)}" for text in comment), *(f"    {line}" for line in lines)]
    title = f'"""Shows a fault of {call.qualname} in {call.path}. Written by swe-sleep."""'
    content = "\n".join(
        [title, "", *_sorted(imports), "", "", f"def test_{name}_as_before():", *body, ""],
    )
    path = place(call.test_id, call.qualname, snapshot)
    return WrittenTest(path, content, (f"{path}::test_{name}_as_before",))


def _name(qualname: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", qualname.replace(".", "_")).lower()
    return re.sub(r"_+", "_", re.sub(r"\W", "_", words)).strip("_")


def one_line(text: str) -> str:
    """A text that fits behind a `#`."""
    text = " ".join(text.split())
    return text if len(text) <= COLUMNS else text[: COLUMNS - 3] + "..."


def _sorted(imports: set[str]) -> list[str]:
    return sorted(imports, key=lambda line: (line.startswith("from "), line))


def place(test_id: str, about: str, snapshot: Snapshot) -> str:
    """A path beside the tests that there are, under a name that pytest looks at."""
    name = _name(about)
    files = [file_of(test_id)] if test_id else find_test_files(snapshot)
    folder = PurePosixPath(files[0]).parent if files else PurePosixPath()
    found = layout(snapshot)
    names = (f"test_swe_sleep_{name}.py", f"swe_sleep_{name}_test.py", f"tests_swe_sleep_{name}.py")
    for each in names:
        path = str(folder / each)
        if found.holds(path) and path not in snapshot.files:
            return path
    return str(folder / names[0])
