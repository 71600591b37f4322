from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.anticipate.leads import checkers, findings
from swe_sleep.anticipate.leads.checkers import Finding, Tool


def finding(message: str, *, line: int = 1, qualname: str = "f", code: str = "F821") -> Finding:
    return Finding("ruff", code, "a.py", line, message, qualname)


def test_only_what_is_new_counts_wherever_it_stands() -> None:
    old = [finding("Undefined name `x`", line=3), finding("Undefined name `y`", line=9)]
    moved = [finding("Undefined name `x`", line=30), finding("Undefined name `y`", line=90)]
    more = finding("Undefined name `z`", line=5)

    assert checkers.fresh(old, moved) == []
    assert checkers.fresh(old, [more, *moved]) == [more]
    assert checkers.fresh(old, [*moved, moved[0]]) == [moved[0]]
    assert checkers.fresh([], moved) == moved


def test_a_finding_that_is_worded_anew_is_not_new() -> None:
    old = [finding("expected `int`, found `str`")]
    assert checkers.fresh(old, [finding("expected `float`, found `str`")]) == []
    assert checkers.fresh(old, [finding("the same", qualname="g")]) != []
    numbered = [finding("line 3: odd"), finding("line 30: odd")]
    assert checkers.fresh(numbered[:1], numbered[1:]) == []


def test_ruff_finds_faults_and_no_style() -> None:
    files = {
        "a.py": b"import os\n\n\ndef f( x ):\n    return undefined\n",
        "-b\n.py": b"def g():\n    if (1, 2):\n        return 1\n",
        "c/__init__.py": b"def h(:\n",
    }
    found = checkers.ruff(files, timeout_s=60)
    assert {(each.path, each.code, each.line) for each in found} >= {
        ("a.py", "F821", 5),
        ("-b\n.py", "F634", 2),
        ("c/__init__.py", "invalid-syntax", 1),
    }
    assert {each.code for each in found} <= {"F821", "F634", "invalid-syntax"}
    assert next(each.qualname for each in found if each.code == "F821") == "f"


def test_no_configuration_steers_ruff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ruff.toml", ".ruff.toml"):
        (tmp_path / name).write_text('lint.ignore = ["ALL"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert checkers.ruff({"a.py": b"x = undefined\n"}, timeout_s=60)


Stand = Callable[[Tool, str], Path]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Puts a Python program in the place of a tool."""

    def stand(tool: Tool, source: str) -> Path:
        file = tmp_path / tool
        file.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{source}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(checkers, "program", lambda name: str(file) if name == tool else None)
        return tmp_path

    return stand


FINDING = {
    "check_name": "missing-argument",
    "description": "missing-argument: No argument provided",
    "location": {"path": "pkg/b.py", "positions": {"begin": {"line": 4}}},
}


def test_ty_sees_the_files_our_configuration_and_no_environment(stand_in: Stand) -> None:
    place = stand_in(
        "ty",
        f"""
seen = dict(arguments=sys.argv[1:], environment=dict(os.environ), cwd=os.getcwd(),
            tree=sorted(os.path.join(d, f) for d, _, fs in os.walk('.') for f in fs),
            config=open(next(a for a in sys.argv if 'config-file' in a).split('=')[1]).read())
json.dump(seen, open(os.path.dirname(__file__) + '/seen', 'w'))
print(json.dumps([{FINDING!r}]))
""",
    )
    files = {
        "pkg/a.py": b"",
        "pkg/b.py": b"\n\ndef h():\n    f()\n",
        "../evil.py": b"",
        "ty.toml": b"",
    }
    del files["ty.toml"]

    (found,) = checkers.ty(files, ["pkg/b.py"], roots=["src"], timeout_s=60)

    assert (found.kind, found.path, found.line, found.qualname) == (
        "ty missing-argument", "pkg/b.py", 4, "h",
    )  # fmt: skip
    seen = json.loads((place / "seen").read_text())
    assert seen["tree"] == ["./pkg/a.py", "./pkg/b.py"]
    assert seen["arguments"][-2:] == ["--", "pkg/b.py"]
    assert 'all = "ignore"' in seen["config"] and 'missing-argument = "error"' in seen["config"]
    assert seen["environment"]["HOME"] == seen["environment"]["XDG_CONFIG_HOME"]
    assert "/work" not in seen["environment"]["PATH"]
    assert not Path(seen["cwd"]).exists()


def test_the_real_ty_finds_a_call_that_lacks_an_argument() -> None:
    files = {
        "pkg/__init__.py": b"",
        "pkg/a.py": b"def add(x: int, y: int) -> int:\n    return x + y\n",
        "pkg/b.py": b"from pkg.a import add\n\n\ndef h() -> int:\n    return add(1)\n",
        "pyproject.toml": b'[tool.ty.rules]\nall = "ignore"\n',
    }
    (found,) = checkers.ty(files, ["pkg/b.py"], roots=["."], timeout_s=120)
    assert (found.kind, found.path, found.line, found.qualname) == (
        "ty missing-argument", "pkg/b.py", 5, "h",
    )  # fmt: skip


@pytest.mark.parametrize(
    "source",
    ["print('not json')", "sys.exit('it crashed')", "print('[' * 100000)", "time.sleep(60)"],
)
def test_a_tool_that_fails_is_said_to(stand_in: Stand, source: str) -> None:
    stand_in("ruff", source)
    said: list[str] = []
    slow = 1.0 if "sleep" in source else 60.0
    assert checkers.ruff({"a.py": b"undefined\n"}, timeout_s=slow, say=said.append) == []
    assert len(said) == 1 and said[0].startswith("ruff")


@pytest.mark.parametrize("said", ["{}", "[1, null]", '[{"location": 3}]', '[{"filename": "/x"}]'])
def test_odd_replies_are_no_findings(stand_in: Stand, said: str) -> None:
    stand_in("ruff", f"print({said!r})")
    assert checkers.ruff({"a.py": b"undefined\n"}, timeout_s=60) == []


def test_without_the_tools_there_are_no_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkers, "program", lambda name: None)
    assert checkers.ruff({"a.py": b"undefined\n"}, timeout_s=60) == []
    assert checkers.ty({"a.py": b""}, ["a.py"], roots=[], timeout_s=60) == []


def test_one_finding_of_a_kind_that_is_on_becomes_a_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "WEIGHTS", {"ruff F821": 0.5, "ruff F634": 0.4})
    found = [finding("m", code="E999"), finding("n", code="F634"), finding("Undefined `x`", line=7)]

    (lead,) = findings.leads(found, lambda kind: True)
    assert (lead.kind, lead.place.line, lead.subject) == ("ruff F821", 7, "a.py::f (ruff F821)")
    assert lead.subject == findings.subject(found[2])
    (other,) = findings.leads(found, lambda kind: kind != "ruff F821")
    assert other.kind == "ruff F634"
    assert findings.leads(found[:1], lambda kind: True) == []
