"""What was found, as a small test that pytest runs and as an issue that a user would write."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from swe_sleep.anticipate.hunting.exercising import Find
from swe_sleep.anticipate.hunting.targets import Target
from swe_sleep.records import WrittenTest

_SAID = {
    "annotation": "as its annotation says",
    "docstring": "as its docstring says",
    "seen": "like those that tests and examples pass",
    "default": "as its default is",
    "guess": "as far as its name tells",
}
_TAKEN = 200
_NAME = re.compile(r"\W+")


def call_of(find: Find, target: Target, name: str = "") -> str:
    """The call as source; `name` is that of a sibling."""
    own = target.qualname.split(".")
    if find.receiver:
        prefix = f"{find.receiver}.{name or own[-1]}"
    else:
        prefix = ".".join([*own[:-1], name]) if name else target.qualname
    parts = [*find.arguments, *(f"{key}={value}" for key, value in find.keywords.items())]
    return f"{prefix}({', '.join(parts)})"


def title_of(find: Find, target: Target) -> str:
    call = _short(call_of(find, target))
    if find.property == "hang" or find.kind == "hang":
        return f"{call} never ends"
    if find.kind in ("round trip", "idempotence", "agreement", "protocol"):
        return f"{_broken(find, target)}"
    said = f": {find.message}" if find.message else ""
    return f"{call} fails with {find.kind}{said}"


def symptom_of(find: Find) -> str:
    if find.kind in ("round trip", "idempotence", "agreement", "protocol", "hang"):
        return find.message
    return f"{find.kind}: {find.message}" if find.message else find.kind


def text_of(find: Find, target: Target) -> str:
    """The issue."""
    imports = "\n".join(find.imports)
    lines = [title_of(find, target), "", "```python", imports, "", call_of(find, target), "```", ""]
    if find.kind == "hang":
        lines.append("It was stopped after some seconds; so small an argument should be quick.")
    elif find.property == "crash":
        where = find.frames[-1]
        lines.append(
            f"raises `{symptom_of(find)}` from `{where[1]}` ({where[0]}). I expected a result, or"
            " an error that says what is wrong with what I passed."
        )
    else:
        lines.append(f"I expected otherwise: {find.message}.")
    return "\n".join([*lines, "", *reasons(find)]).strip()


def reasons(find: Find) -> list[str]:
    """Why the call is one that a user may make."""
    given: dict[str, list[str]] = {}
    for name, why in find.evidence.items():
        given.setdefault(_SAID.get(why, why), []).append(f"`{name}`")
    return [f"{', '.join(names)}: {why}." for why, names in given.items()]


def test_of(find: Find, target: Target, folder: str) -> WrittenTest:
    """A test that fails as long as the call breaks. An error of the library's own, or a ValueError,
    would do as an answer to a value that it does not take."""
    name = f"test_{_name(target.qualname)}_{_name(find.property)}"
    imports = list(find.imports)
    if find.other and find.property in ("round trip", "agreement") and not find.receiver:
        imports.append(f"from {target.module} import {find.other}")
    body = _body(find, target)
    if find.property == "crash" and find.kind != "hang":
        errors = ["ValueError", *target.refusals]
        imports.append("from contextlib import suppress")
        imports += [f"from {target.module} import {error}" for error in target.refusals]
        body = [f"with suppress({', '.join(dict.fromkeys(errors))}):", f"    {body[0]}"]
    if find.lazy:
        imports.append("from itertools import islice")
    if find.property == "protocol" and find.other in ("copy", "deepcopy"):
        imports.append("import copy")
    lines = [f'"""{_quotable(title_of(find, target))}"""', "", *sorted(set(imports)), "", ""]
    lines += [f"def {name}():", *(f"    {line}" for line in body), ""]
    content = "\n".join(lines)
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    path = f"{folder}/" if folder else ""
    path += f"test_hunt_{_name(target.name).lower()}_{digest}.py"
    return WrittenTest(path, content, (f"{path}::{name}",))


def _body(find: Find, target: Target) -> list[str]:
    call = call_of(find, target)
    first = find.arguments[0] if find.arguments else ""
    if find.property == "crash":
        return [f"list(islice({call}, {_TAKEN}))" if find.lazy else call]
    if find.property == "round trip":
        back = _prefixed(find, target, find.other)
        return [f"assert {back}({call}) == {first}"]
    if find.property == "idempotence":
        rest = [*find.arguments[1:], *(f"{k}={v}" for k, v in find.keywords.items())]
        again = f"{_prefixed(find, target, target.name)}({', '.join(['once', *rest])})"
        return [f"once = {call}", f"assert {again} == once"]
    if find.property == "agreement":
        return [f"assert list({call}) == list({call_of(find, target, find.other)})"]
    if find.kind != "protocol":  # it crashed on the way
        what = {"repr": "repr(made)", "len": "len(list(made))", "eq": "assert made == made"}
        return [f"made = {call}", what.get(find.other, "list(made)")]
    checks = {
        "eq": f"assert made == {call}\n    assert hash(made) == hash({call})",
        "copy": "assert copy.copy(made) == made",
        "deepcopy": "assert copy.deepcopy(made) == made",
        "len": "assert len(made) == len(list(made))",
        "contains": "assert all(item in made for item in made)",
    }
    return [f"made = {call}", checks[find.other]]


def _broken(find: Find, target: Target) -> str:
    name = target.qualname
    if find.kind == "round trip":
        return f"{find.other} does not take back what {name} makes of {_short(find.arguments[0])}"
    if find.kind == "idempotence":
        return f"{name} changes what it has made already: {_short(find.message)}"
    if find.kind == "agreement":
        return f"{name} and {find.other} differ for {_short(', '.join(find.arguments))}"
    return f"{_short(call_of(find, target))}: {_short(find.message)}"


def _prefixed(find: Find, target: Target, name: str) -> str:
    if find.receiver:
        return f"{find.receiver}.{name}"
    return ".".join([*target.qualname.split(".")[:-1], name])


def folder_for(test_files: Sequence[str], present: Sequence[str] = ()) -> str:
    """Where a test file of ours is found and set up as the others are."""
    folders = [path.rpartition("/")[0] for path in test_files]
    return min(set(folders), key=lambda f: (-folders.count(f), len(f), f), default="")


def _name(text: str) -> str:
    return _NAME.sub("_", text).strip("_")


def _short(text: str, most: int = 100) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _quotable(text: str) -> str:
    return text.encode("unicode_escape").decode().replace('"', "'")
