"""Diffs: made from contents, read, and applied in memory. All in private temporary folders, with
none of the person's git settings, so that the same input gives the same diff everywhere."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swe_sleep.errors import RepositoryError
from swe_sleep.records import Patch
from swe_sleep.repo import plumbing
from swe_sleep.repo.hashing import read_file
from swe_sleep.repo.paths import from_os, join, quote, to_os, unquote
from swe_sleep.repo.snapshot import EXECUTABLE, REGULAR, SUBMODULE, SYMLINK, Snapshot

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SETTINGS = ("core.autocrlf=false", f"core.attributesFile={os.devnull}", "core.fileMode=true")


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that follow each other and were changed together. A count of 0 means that the lines
    went in, or out, after line `start - 1`."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What a diff does to one file. A path is None where the file is not there."""

    old_path: str | None
    new_path: str | None
    blocks: tuple[Block, ...] = ()
    binary: bool = False

    @property
    def path(self) -> str:
        return self.new_path or self.old_path or ""

    @property
    def old_lines(self) -> tuple[int, ...]:
        """The lines that were changed or removed, in the old numbering."""
        return tuple(b.old_start + i for b in self.blocks for i in range(b.old_count))

    @property
    def new_lines(self) -> tuple[int, ...]:
        """The lines that were changed or added, in the new numbering."""
        return tuple(b.new_start + i for b in self.blocks for i in range(b.new_count))


def diff(
    before: Mapping[str, bytes | None],
    after: Mapping[str, bytes | None],
    *,
    modes: Mapping[str, int] | None = None,
    old_modes: Mapping[str, int] | None = None,
) -> str:
    """A diff that `git apply` takes, "" where nothing differs.

    A path that is None or missing on one side is not there. `modes` are those of files that are
    not plain ones, on both sides unless `old_modes` says what they were before. A file that is not
    UTF-8 is given as binary, so that the text can be kept and sent without harm.
    """
    modes = modes or {}
    old_modes = modes if old_modes is None else old_modes
    old = {p: (c, old_modes.get(p, REGULAR)) for p, c in before.items() if c is not None}
    new = {p: (c, modes.get(p, REGULAR)) for p, c in after.items() if c is not None}
    changed = sorted(p for p in old.keys() | new.keys() if old.get(p) != new.get(p))
    if not changed:
        return ""
    with tempfile.TemporaryDirectory(prefix="swe-sleep-diff-") as name:
        git_dir = Path(name)
        (git_dir / "HEAD").write_text("ref: refs/heads/none\n")
        (git_dir / "objects").mkdir()
        (git_dir / "refs").mkdir()
        attributes = git_dir / "binary"
        attributes.write_text("* -diff\n")
        sides = {
            side: {p: files[p] for p in changed if p in files}
            for side, files in (("old", old), ("new", new))
        }
        _run(git_dir, "fast-import", "--quiet", "--done", stdin=b"".join(_stream(sides)), bare=True)
        binary = [p for p in changed if not (_is_text(old.get(p)) and _is_text(new.get(p)))]
        text = [p for p in changed if p not in set(binary)]
        out = b""
        for paths, file in ((text, Path(os.devnull)), (binary, attributes)):
            # Not more at once than a command line holds.
            for start in range(0, len(paths), 500):
                out += _run(
                    git_dir,
                    *("-c", f"core.attributesFile={file}", "--literal-pathspecs"),
                    *("diff-tree", "-p", "--binary", "--full-index", "--no-renames", "--no-color"),
                    *("--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/"),
                    *("refs/heads/old", "refs/heads/new", "--"),
                    *(os.fsdecode(to_os(p)) for p in paths[start : start + 500]),
                    bare=True,
                )
        return out.decode("utf-8")


def _is_text(side: tuple[bytes, int] | None) -> bool:
    try:
        return side is None or side[0].decode("utf-8") is not None
    except UnicodeDecodeError:
        return False


def _stream(sides: Mapping[str, Mapping[str, tuple[bytes, int]]]) -> Iterator[bytes]:
    for side, files in sides.items():
        yield f"commit refs/heads/{side}\ncommitter swe-sleep <> 0 +0000\ndata 0\n".encode()
        for path, (content, mode) in files.items():
            if mode == SUBMODULE:
                yield f"M {mode:o} {content.decode()} {quote(to_os(path))}\n".encode()
                continue
            yield f"M {mode:o} inline {quote(to_os(path))}\n".encode()
            yield b"data %d\n%b\n" % (len(content), content)
        yield b"\n"
    yield b"done\n"


def _run(folder: Path, *arguments: str, stdin: bytes = b"", bare: bool = False) -> bytes:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    places = {"GIT_DIR": str(folder)} if bare else {}
    # A temporary folder may lie inside a repository, which git must not find.
    ceiling = {"GIT_CEILING_DIRECTORIES": os.path.realpath(folder.parent)}
    settings = [word for setting in (*plumbing.SAFE, *_SETTINGS) for word in ("-c", setting)]
    done = subprocess.run(
        ["git", *settings, *arguments],
        cwd=folder,
        env=plumbing.environment({**own, **ceiling, **places}),
        input=stdin,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise RepositoryError(plumbing.reason(done.stderr))
    return done.stdout


def files_of(diff_text: str) -> tuple[FileDiff, ...]:
    """What a diff does to which lines of which files, in its order.

    Takes what git prints and plain unified diffs. Text between the files is passed over.
    Raises RepositoryError for a hunk that is cut short.
    """
    found: list[_Building] = []
    lines = iter(diff_text.split("\n"))
    for line in lines:
        current = found[-1] if found else None
        if line.startswith("diff --git "):
            found.append(_Building(*_names(line.removeprefix("diff --git "))))
        elif line.startswith("--- "):
            name = _name(line[4:])
            if current is None or current.named:
                current = _Building(name, name)
                found.append(current)
            current.old_path, current.named = name, True
        elif line.startswith("+++ ") and current is not None:
            current.new_path = _name(line[4:])
        elif current is None:
            continue
        elif hunk := _HUNK.match(line):
            counts = [1 if n is None else int(n) for n in hunk.group(2, 4)]
            current.blocks += _blocks(lines, int(hunk[1]), counts[0], int(hunk[3]), counts[1])
        elif line.startswith("new file mode "):
            current.old_path = None
        elif line.startswith("deleted file mode "):
            current.new_path = None
        elif line.startswith(("rename from ", "copy from ")):
            current.old_path = _plain(line.partition(" from ")[2])
        elif line.startswith(("rename to ", "copy to ")):
            current.new_path = _plain(line.partition(" to ")[2])
        elif line.startswith(("GIT binary patch", "Binary files ")):
            current.binary = True
    return tuple(FileDiff(b.old_path, b.new_path, tuple(b.blocks), b.binary) for b in found)


@dataclass
class _Building:
    old_path: str | None
    new_path: str | None
    named: bool = False
    binary: bool = False
    blocks: list[Block] = field(default_factory=list)


def _blocks(
    lines: Iterator[str], old: int, old_left: int, new: int, new_left: int
) -> Iterator[Block]:
    # A count of 0 names the line before the place.
    old, new = old + (old_left == 0), new + (new_left == 0)
    start = (old, new)
    while old_left > 0 or new_left > 0:
        line = next(lines, None)
        if line is None:
            raise RepositoryError("The diff is cut short: a hunk has fewer lines than it says.")
        if line.startswith("\\"):
            continue
        if line.startswith("-"):
            old, old_left = old + 1, old_left - 1
        elif line.startswith("+"):
            new, new_left = new + 1, new_left - 1
        else:  # context; some tools strip the space of an empty line
            if (old, new) != start:
                yield Block(start[0], old - start[0], start[1], new - start[1])
            old, old_left, new, new_left = old + 1, old_left - 1, new + 1, new_left - 1
            start = (old, new)
    if (old, new) != start:
        yield Block(start[0], old - start[0], start[1], new - start[1])


def _plain(name: str) -> str:
    name = name.rstrip("\r")
    return from_os(unquote(name)) if name.startswith('"') else from_os(name.encode())


def _name(text: str) -> str | None:
    """The path of a `---` or `+++` line: without its first folder, None for no file."""
    quoted = _QUOTED.match(text)  # a tab and a date may follow
    raw = unquote(quoted.group()) if quoted else text.rstrip("\r").partition("\t")[0].encode()
    return None if raw == b"/dev/null" else from_os(raw.partition(b"/")[2] or raw)


def _names(text: str) -> tuple[str | None, str | None]:
    """The two paths of a `diff --git` line; where they differ, other lines say so again."""
    text = text.rstrip("\r")
    if quoted := _QUOTED.match(text):
        return _name(quoted.group()), _name(text[quoted.end() + 1 :] or quoted.group())
    if text.endswith('"'):
        first, _, second = text.partition(' "')
        return _name(first), _name(f'"{second}')
    half = len(text) // 2
    return _name(text[:half]), _name(text[half + 1 :])


def apply_in_memory(patch: Patch | str, snapshot: Snapshot) -> dict[str, bytes | None]:
    """The files that the patch changes, as they are with it: path to content, None where deleted.
    Raises RepositoryError with git's reason where it does not apply."""
    return {
        path: None if found is None else found[0]
        for path, found in apply_with_modes(patch, snapshot).items()
    }


def apply_with_modes(patch: Patch | str, snapshot: Snapshot) -> dict[str, tuple[bytes, int] | None]:
    """Like `apply_in_memory`, with each file's git mode."""
    text = patch.diff if isinstance(patch, Patch) else patch
    if not text.strip():
        return {}
    touched = {p for f in files_of(text) for p in (f.old_path, f.new_path) if p is not None}
    before: dict[str, tuple[bytes, int]] = {}
    with tempfile.TemporaryDirectory(prefix="swe-sleep-apply-") as name:
        root = Path(name).resolve() / "tree"
        root.mkdir()
        for path in sorted(touched & snapshot.files.keys()):
            before[path] = (snapshot.read(path), snapshot.files[path].mode)
            _write(join(root, path), *before[path])
        encoded = text.encode("utf-8", "surrogateescape")
        encoded += b"" if encoded.endswith(b"\n") else b"\n"
        try:
            _run(root, "apply", "-p1", "--whitespace=nowarn", "-", stdin=encoded)
        except RepositoryError as error:
            raise RepositoryError(f"The patch does not apply: {error}.") from None
        after = dict(_read_tree(root))
    result: dict[str, tuple[bytes, int] | None] = {
        path: after.get(path)
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    }
    _check_places(result, snapshot)
    return result


def _write(name: bytes, content: bytes, mode: int) -> None:
    os.makedirs(os.path.dirname(name), exist_ok=True)  # noqa: PTH103, PTH120  (bytes)
    if mode == SYMLINK:
        os.symlink(content, name)  # noqa: PTH211
        return
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(content)
        os.fchmod(file.fileno(), 0o755 if mode == EXECUTABLE else 0o644)


def _read_tree(root: Path) -> Iterator[tuple[str, tuple[bytes, int]]]:
    base = os.fsencode(root)
    for folder, folders, names in os.walk(base):
        links = [n for n in folders if os.path.islink(os.path.join(folder, n))]  # noqa: PTH114, PTH118
        for name in (*names, *links):
            full = os.path.join(folder, name)  # noqa: PTH118
            content = read_file(full)
            if content is None:
                continue
            bits = os.lstat(full).st_mode
            mode = SYMLINK if (bits & 0o170000) == SYMLINK else REGULAR
            mode = EXECUTABLE if mode == REGULAR and bits & 0o100 else mode
            yield from_os(os.path.relpath(full, base)), (content, mode)


def _check_places(changed: Mapping[str, object], snapshot: Snapshot) -> None:
    """Refuse a path that would lie behind a symlink, in a submodule, or below a file."""
    for path, found in changed.items():
        if found is None:
            continue
        for parent in _parents(path):
            if parent in snapshot.files and changed.get(parent, parent) is not None:
                raise RepositoryError(f"The patch does not apply: {parent} is not a folder.")


def _parents(path: str) -> Iterable[str]:
    parts = to_os(path).split(b"/")
    return (from_os(b"/".join(parts[:n])) for n in range(1, len(parts)))
