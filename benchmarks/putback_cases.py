"""Which commits make the cases of `benchmarks.putback`, and the repositories that they become.

A *bug* is a fix commit whose source part is taken back on its own result, with its tests hidden;
*shown* is the same, but half of the tests that tell before from after may stay; *ordinary* is a
commit that no later fix mended within a year. A case names commits and tests; it holds no text of
the library.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults import digest, function_of, git, is_test_file, without_tests
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.index.outline import Outline, language_of, outline
from swe_sleep.repo.lines import line_change

BUG, SHOWN, ORDINARY = "bug", "shown", "ordinary"
KINDS = (BUG, SHOWN, ORDINARY)
FIX = re.compile(
    r"\b(fix(e[sd])?|bug(fix)?|crash(e[sd])?|regress\w*|broken|wrong\w*|incorrect\w*|repairs?)\b|#\d",
    re.IGNORECASE,
)
"""What the subject of a fix says; the tests have the last word."""
MENDS = re.compile(r"\b(fix(e[sd])?|bug(fix)?|crash|regress|broken|wrong|incorrect|revert)", re.I)
"""What the message of a commit says that mends an earlier one."""
CHORE = re.compile(
    r"^(merge|bump|release|version|lint|format|black|typing|ci|docs?|revert|chore)\b|"
    r"^v?\d+\.\d+|\breleased?\b",
    re.IGNORECASE,
)
MOST_FILES, MOST_LINES = 3, 60
"""Of source, in a fix: removed and added lines."""
MOST_ORDINARY_LINES = 200
YEAR_S = 365 * 86_400
NOT_SOURCE = re.compile(
    r"^(docs?|examples?|benchmarks?|tools|scripts)/|(^|/)(setup|noxfile|conf)\.py$"
)


@dataclass(frozen=True)
class Case:
    """One line of the file of cases."""

    id: str
    kind: str
    repo: str
    commit: str
    parent: str
    sources: tuple[str, ...]
    """Python files of the library that the commit changed; what is taken back, or made."""
    tests: tuple[str, ...] = ()
    """Files of the tests that it changed."""
    fail_to_pass: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    """Functions of these that are hidden; all, if none is named."""
    visible_bad: tuple[str, ...] = ()
    """Visible tests that the edit makes fail."""
    lines: int = 0
    suite_s: float = 0.0

    @property
    def library(self) -> str:
        return self.repo.partition("/")[2]

    @property
    def half(self) -> str:
        """The half to look at while something is worked on, and the one to judge by."""
        return "dev" if digest("part", self.id) % 3 == 0 else "held"

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Case:
        lists = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
        return cls(**{**row, **lists})


@dataclass(frozen=True)
class Commit:
    """One of a mirror's commits with a single parent."""

    id: str
    parent: str
    time: int
    subject: str
    sizes: Mapping[str, int]
    """Added and removed lines of each Python file that was changed."""
    others: tuple[str, ...]

    @property
    def sources(self) -> list[str]:
        return [path for path in self.sizes if is_source(path)]

    @property
    def tests(self) -> list[str]:
        return [path for path in (*self.sizes, *self.others) if is_test_file(path)]

    @property
    def lines(self) -> int:
        return sum(self.sizes[path] for path in self.sources)


def is_source(path: str) -> bool:
    return path.endswith(".py") and not is_test_file(path) and not NOT_SOURCE.search(path)


def commits(clone: Path, limit: int) -> Iterator[Commit]:
    """Newest first; renames are two changes."""
    form = "--format=%x00%H%x09%P%x09%ct%x09%s"
    log = git(clone, "log", f"-{limit}", "--no-merges", "--no-renames", form, "--numstat")
    for entry in log.split("\0")[1:]:
        head, *lines = [line for line in entry.splitlines() if line]
        name, parent, when, subject = head.split("\t", 3)
        sizes: dict[str, int] = {}
        others = []
        for line in lines:
            added, removed, path = line.split("\t", 2)
            if path.endswith(".py") and added != "-":
                sizes[path] = int(added) + int(removed)
            else:
                others.append(path)
        if parent and " " not in parent:
            yield Commit(name, parent, int(when), subject, sizes, tuple(others))


def fixes(clone: Path, limit: int) -> Iterator[Commit]:
    """Commits that look like a fix of a few lines with tests; of one on two branches, the newer."""
    told: set[str] = set()
    for commit in commits(clone, limit):
        if commit.subject in told:
            continue
        told.add(commit.subject)
        few = 0 < len(commit.sources) <= MOST_FILES and 0 < commit.lines <= MOST_LINES
        tested = any(path.endswith(".py") for path in commit.tests)
        if few and tested and FIX.search(commit.subject) and not CHORE.search(commit.subject):
            yield commit


def ordinary(clone: Path, limit: int) -> Iterator[Commit]:
    """Commits that change what the source does and that no later commit mended within a year, as
    far as blame can tell: none that says it mends removed a line that they wrote."""
    every = list(commits(clone, limit))
    newest = every[0].time if every else 0
    for commit in every:
        small = 0 < len(commit.sources) <= MOST_FILES and 0 < commit.lines <= MOST_ORDINARY_LINES
        if not small or newest - commit.time < YEAR_S or CHORE.search(commit.subject):
            continue
        if FIX.search(commit.subject) or "should" in commit.subject:  # it may be half a fix
            continue
        later = [
            each
            for each in every
            if 0 < each.time - commit.time < YEAR_S
            and (MENDS.search(each.subject) or commit.id[:7] in each.subject)
            and not set(each.sources).isdisjoint(commit.sources)
        ]
        if _acts(clone, commit) and not any(_removes(clone, fix, commit) for fix in later):
            yield commit


def _acts(clone: Path, commit: Commit) -> bool:
    """Whether more than comments, docstrings and annotations changed."""
    for path in commit.sources:
        old, new = text(clone, commit.parent, path), text(clone, commit.id, path)
        if old is None or new is None:
            continue
        try:
            if _shape(old) != _shape(new):
                return True
        except (SyntaxError, ValueError):
            return False
    return False


def _shape(content: bytes) -> str:
    tree = ast.parse(content)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                each for each in body if not _says_nothing(each)
            ]
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
    return ast.dump(tree)


def _says_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        return any("version" in ast.unparse(target).lower() for target in statement.targets)
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _removes(clone: Path, fix: Commit, commit: Commit) -> bool:
    """Whether a fix takes away, or changes, a line that the commit wrote."""
    for path in set(fix.sources) & set(commit.sources):
        old, new = text(clone, fix.parent, path), text(clone, fix.id, path)
        if old is None or new is None:
            continue
        lines = sorted(line_change(old, new).touched_before)
        if not lines:
            continue
        ranges = [f"-L{line},{line}" for line in lines[:60]]
        try:
            blamed = git(clone, "blame", "-l", "-s", *ranges, fix.parent, "--", path)
        except SystemExit:  # a line beyond the end
            return True
        if any(line.startswith(commit.id) for line in blamed.splitlines()):
            return True
    return False


# -- contents --------------------------------------------------------------------------------------


def text(clone: Path, commit: str, path: str) -> bytes | None:
    """A file of a commit; None where it has none."""
    if not git(clone, "ls-tree", "--name-only", commit, "--", path).strip():
        return None
    command = ["git", "-c", "safe.directory=*", "cat-file", "blob", f"{commit}:{path}"]
    return subprocess.run(command, cwd=clone, capture_output=True, check=True).stdout


def files_of(clone: Path, commit: str, paths: Sequence[str]) -> dict[str, bytes | None]:
    return {path: text(clone, commit, path) for path in paths}


def hidden_functions(case: Case) -> frozenset[str]:
    return frozenset(case.hidden or map(function_of, case.fail_to_pass))


def halves(fail_to_pass: Sequence[str]) -> tuple[list[str], list[str]]:
    """The functions of the tests, in two halves by a hash: to hide, and to show."""
    names = sorted({function_of(test) for test in fail_to_pass}, key=lambda n: digest("hide", n))
    cut = (len(names) + 1) // 2
    return names[:cut], names[cut:]


def edit_of(case: Case, clone: Path) -> dict[str, bytes | None]:
    """What is written into the work tree: the source as it was before the fix, or the commit."""
    if case.kind == ORDINARY:
        return files_of(clone, case.commit, [*case.sources, *case.tests])
    return files_of(clone, case.parent, case.sources)


def visible_tests(case: Case, clone: Path) -> dict[str, bytes | None]:
    """The test files of a bug as they may be seen."""
    if case.kind != SHOWN:
        return files_of(clone, case.parent, case.tests)
    hidden = hidden_functions(case)
    found = files_of(clone, case.commit, case.tests)
    return {
        path: without_tests(content, lambda name: name in hidden)
        if content is not None and path.endswith(".py")
        else content
        for path, content in found.items()
    }


def clone_of(mirrors: Mirrors, repo: str, folder: Path) -> Path:
    """A clone without a work tree, to read from; the mirror itself is only read."""
    found = mirrors.find(repo)
    if not found:
        raise SystemExit(f"there is no mirror of {repo} below {mirrors.folder}.")
    git(Path(), "clone", "--quiet", "--shared", "--no-checkout", str(found[0]), str(folder))
    return folder


def plant(case: Case, mirrors: Mirrors, folder: Path) -> None:
    """The repository before the edit: history to the parent, and for a bug one commit more with
    all of the fix but its tests. Nothing younger has a name in it."""
    clone = clone_of(mirrors, case.repo, folder)
    git(clone, "checkout", "--quiet", "--detach", case.parent)
    for name in git(clone, "for-each-ref", "--format=%(refname)").split():
        git(clone, "update-ref", "--no-deref", "-d", name)
    git(clone, "remote", "remove", "origin")
    git(clone, "checkout", "--quiet", "-b", "main")
    if case.kind == ORDINARY:
        return
    changed = git(clone, "diff", "--name-only", "--no-renames", "-z", case.parent, case.commit)
    put_back = dict(visible_tests(case, clone))
    for path in filter(None, changed.split("\0")):
        if path in put_back:
            continue
        if text(clone, case.commit, path) is None:
            git(clone, "rm", "--quiet", "--force", "--", path)
        else:
            git(clone, "checkout", "--quiet", case.commit, "--", path)
    write(clone, put_back)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "Change it")


def write(folder: Path, files: Mapping[str, bytes | None]) -> None:
    for path, content in files.items():
        place = folder / path
        if content is None:
            place.unlink(missing_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


# -- functions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Touched:
    """What a fix touches, on both sides of the edit: functions by name, and lines of the code as
    it is after the edit."""

    functions: frozenset[tuple[str, str]]
    spans: frozenset[tuple[str, int, int]]

    def has(self, path: str, line: int | None, end_line: int | None) -> bool:
        """Whether a place is in a touched function; a whole file is no place."""
        if line is None:
            return False
        last = end_line or line
        return any(p == path and first <= last and line <= end for p, first, end in self.spans)

    def names(self, subject: str) -> bool:
        path, _, rest = subject.partition("::")
        qualname = rest.partition("::")[0].partition("#")[0]
        return (path, qualname) in self.functions


def touched(before: Mapping[str, bytes | None], after: Mapping[str, bytes | None]) -> Touched:
    """What an edit touches. A line outside of any function stands for itself."""
    functions: set[tuple[str, str]] = set()
    spans: set[tuple[str, int, int]] = set()
    for path in before.keys() | after.keys():
        old, new = before.get(path) or b"", after.get(path) or b""
        change = line_change(old, new)
        for content, lines, now in ((old, change.touched_before, False),
                                    (new, change.touched_after, True)):  # fmt: skip
            outlined = _outline(path, content)
            for line in lines:
                symbol = outlined.symbol_at(line)
                if symbol is not None and symbol.kind in ("function", "method"):
                    functions.add((path, symbol.qualname))
                    if now:
                        spans.add((path, symbol.line, symbol.end_line))
                elif now and content:
                    spans.add((path, line, line))
        outlined = _outline(path, new)
        spans |= {
            (path, symbol.line, symbol.end_line)
            for symbol in outlined.symbols
            if (path, symbol.qualname) in functions
        }
    return Touched(frozenset(functions), frozenset(spans))


def _outline(path: str, content: bytes) -> Outline:
    return outline(content, language_of(path, content[:200]) or "python")
