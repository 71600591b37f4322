"""What past fixes teach, and what was seen in runs, guides the candidates."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

from swe_sleep.notes import past
from swe_sleep.records import Place, Suspicion
from swe_sleep.repair.lessons import Lesson, learn, lessons
from swe_sleep.repair.ranking import best_first
from swe_sleep.repair.source import Source, compiles_quietly
from swe_sleep.repo.repository import Repository


def commit(folder: Path, message: str, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    git = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@b"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", message], check=True)


def repository(folder: Path) -> Repository:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    commit(folder, "Begin", a="x = read(path)\n", b="y = 1\n")
    commit(folder, "Fix a crash on Windows", a='x = read(path, newline="")\n')
    commit(folder, "Turn y round", b="y = -1\n")
    commit(folder, "Fix the sign of y", b="y = +yes\n")
    return Repository.open(folder)


def test_fixes_of_the_file_teach_first_and_other_commits_nothing(tmp_path: Path) -> None:
    found = repository(tmp_path)
    taught = lessons(found.git, past.read(found, "HEAD"), ["a.py"])
    assert taught[0].before == ("path", ")")
    assert taught[0].after == ("path", ",", "newline", "=", '""', ")")
    assert [lesson.after for lesson in taught[1:]] == [("y", "=", "+", "yes")]


def test_nothing_is_learned_where_git_has_no_such_commit(tmp_path: Path) -> None:
    assert learn(repository(tmp_path).git, ["0" * 40]) == ()
    assert learn(repository(tmp_path / "other").git, []) == ()


def first(code: str, line: int, count: int, **known: object) -> list[str]:
    source = Source.parse("m.py", code.encode())
    assert source is not None
    place = Place("m.py", line)
    order = best_first([Suspicion(place, 1.0, "here")], {"m.py": source}, **known)  # type: ignore[arg-type]
    texts = []
    for ranked, _ in zip(order, range(count), strict=False):
        text = ranked.candidate.apply({"m.py": code.encode()})["m.py"].decode()
        texts.append("".join(text.splitlines()[line - 1 : line]).strip())
    return texts


def test_a_lesson_is_tried_early() -> None:
    code = "def f(path):\n    a = 1\n    return read(path)\n"
    lesson = Lesson(("path", ")"), ("path", ",", "newline", "=", '""', ")"), 2)
    wanted = 'return read(path, newline="")'
    assert wanted in first(code, 3, 10, lessons=[lesson])
    assert wanted not in first(code, 3, 10)


def test_types_seen_in_runs_rule_names_out() -> None:
    code = "def f(one, two, six):\n    return one + 1\n"
    seen = {"one": frozenset({"int"}), "two": frozenset({"str"}), "six": frozenset({"int"})}
    known = first(code, 2, 400, types={Place("m.py", 2): seen})
    assert "return six + 1" in known
    assert "return two + 1" not in known
    unseen = {"one": frozenset({"int"}), "two": frozenset({"int"})}
    known = first(code, 2, 400, types={Place("m.py", 2): unseen})
    assert "return two + 1" in known
    assert "return six + 1" not in known


def test_every_candidate_for_our_own_code_compiles_and_changes_it() -> None:
    package = Path(__file__).parents[2] / "swe_sleep"
    for name in ("repo/diff.py", "testing/discovery.py"):
        content = (package / name).read_bytes()
        source = Source.parse(name, content)
        assert source is not None
        lines = [s.lineno for s in source.statements if source.function_of(s) is not None]
        suspicions = [Suspicion(Place(name, n), 1.0, "here") for n in lines[:: len(lines) // 2]]
        was = ast.dump(source.tree)
        texts: set[bytes] = set()
        for ranked, _ in zip(best_first(suspicions, {name: source}), range(100), strict=False):
            text = ranked.candidate.apply({name: content})[name]
            assert ast.dump(ast.parse(text)) != was
            assert compiles_quietly(text)
            for edit in ranked.candidate.edits:
                assert content[edit.start : edit.end] != edit.replacement
            texts.add(text)
        assert len(texts) == 100
