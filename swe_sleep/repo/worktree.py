"""The files of a work tree as git would store them now, found without writing anything.

Git is asked for two lists, what its index holds and what is neither tracked nor ignored; the rest
is `lstat` and hashing in this process. `git status` would do more than is wanted: compare with
HEAD, hash again at every call what was touched, and run the filters that the repository names.

A blob is of the bytes in the work tree. Where git converts files on their way in (a filter such
as LFS, `ident`, another encoding, CRLF line ends), the index has the id of the converted content,
so those files are always hashed here.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swe_sleep.errors import RepositoryError
from swe_sleep.records import Entry
from swe_sleep.repo import plumbing
from swe_sleep.repo.hashing import HashCache, blob_of, settled
from swe_sleep.repo.paths import from_os
from swe_sleep.repo.snapshot import EXECUTABLE, REGULAR, SUBMODULE, SYMLINK

_LISTED = re.compile(rb"([0-7]{6}) ([0-9a-f]+) ([0-3])\t([^\0]*)\0")
_STATS = re.compile(
    rb"  ctime: (\d+):(\d+)\n  mtime: (\d+):(\d+)\n  dev: \d+\tino: \d+\n"
    rb"  uid: \d+\tgid: \d+\n  size: (\d+)\tflags: [0-9a-f]+\n"
)
_CONVERTS = re.compile(rb"filter|ident|working-tree-encoding|crlf")
_CONVERSIONS = ("filter", "ident", "working-tree-encoding", "eol", "crlf")
_SETTINGS = "filemode|symlinks|trustctime|autocrlf|eol|attributesfile"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Tracked:
    """One file of the index. `stats` are its size and times when git last saw it unchanged; None
    where git says none of it, or it has no one content (a merge conflict)."""

    name: bytes
    path: str
    entry: Entry
    stats: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class _Index:
    signature: tuple[int, ...]
    tracked: tuple[_Tracked, ...] = ()
    folders: tuple[bytes, ...] = ()
    """Every folder that holds a tracked file, outer ones first."""


@dataclass(frozen=True, slots=True)
class _Settings:
    """Of `core.*`, what decides how files are seen."""

    file_mode: bool = True
    symlinks: bool = True
    trust_ctime: bool = True
    crlf: bool = False
    attributes_file: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a walk found, submodules apart."""

    files: dict[str, Entry]
    submodules: dict[str, Entry]
    """Every submodule of the index, by its path."""
    converted: dict[str, bool]
    """The files that git converts, and whether they look unchanged since git last saw them."""


def signature(name: Path | str | bytes) -> tuple[int, ...]:
    """What changes whenever the file does; () where there is none."""
    try:
        found = os.stat(name)  # noqa: PTH116  (also bytes)
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@dataclass
class WorkTree:
    """Walks one work tree, and remembers from walk to walk what it need not read again."""

    git: plumbing.Git
    common_dir: Path
    object_format: str
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._root = os.fsencode(self.git.work_tree) + b"/"
        self._hashes = HashCache(self.object_format)
        self._index: _Index | None = None
        self._settings: tuple[tuple[int, ...], _Settings] | None = None
        self._converted: tuple[object, dict[bytes, bool] | None] = (None, None)
        self.converted: Mapping[str, bool] = {}
        self._empty = blob_of(b"", self.object_format)

    def walk(self) -> Listing:
        """The files now. Each is as it was at one moment during the call."""
        with self._lock:
            for _ in range(_TRIES):
                # Git lists while we stat; a changed index means that both lists may not fit.
                others = self.git.start("ls-files", "-z", "--others", "--exclude-standard")
                with others:
                    index = self._read_index()
                    self._hashes.begin()
                    settings = self._read_settings()
                    real = self._real_folders(index.folders)
                    output = plumbing.finish(others, "ls-files")
                # A repository inside this one that is no submodule is listed as a folder.
                names = [n for n in plumbing.records(output) if not n.endswith(b"/")]
                converted = self._conversions(index, names, settings)
                listing = self._compare(index, names, real, settings, converted)
                if signature(self.git.git_dir / "index") == index.signature:
                    break
            self._hashes.end()
            self.converted = listing.converted
            return listing

    def _compare(
        self,
        index: _Index,
        names: Iterable[bytes],
        real: set[bytes],
        settings: _Settings,
        converted: set[bytes],
    ) -> Listing:
        listing = Listing({}, {}, {})
        lstat, root, files = os.lstat, self._root, listing.files
        written_ns = index.signature[2] if index.signature else 0
        for tracked in index.tracked:
            if tracked.entry.mode == SUBMODULE:
                listing.submodules[tracked.path] = tracked.entry
                continue
            if tracked.name.rpartition(b"/")[0] not in real:
                continue
            try:
                stats = lstat(root + tracked.name)
            except (OSError, ValueError):
                continue
            clean = (
                tracked.stats is not None
                and self._clean(tracked, tracked.stats, stats, settings)
                and settled(stats.st_mtime_ns, written_ns)
            )
            if converted and tracked.name in converted:
                listing.converted[tracked.path] = clean
            elif clean:
                files[tracked.path] = tracked.entry
                continue
            if found := self._hashed(tracked.name, stats, tracked.entry.mode, settings):
                files[tracked.path] = found
        for name in names:
            try:
                stats = lstat(root + name)
            except OSError:
                continue
            if found := self._hashed(name, stats, 0, settings):
                files[from_os(name)] = found
        return listing

    def _clean(
        self,
        tracked: _Tracked,
        known: tuple[int, int, int],
        stats: os.stat_result,
        settings: _Settings,
    ) -> bool:
        """Whether git, too, would take the file for unchanged without reading it."""
        size, mtime_ns, ctime_ns = known
        return (
            stats.st_mtime_ns == mtime_ns
            and stats.st_size & 0xFFFFFFFF == size
            and (stats.st_ctime_ns == ctime_ns or not settings.trust_ctime)
            # Git writes size 0 for a file that it must look at again.
            and (size != 0 or tracked.entry.blob == self._empty)
            and self._mode(stats, tracked.entry.mode, settings) == tracked.entry.mode
        )

    def _hashed(
        self, name: bytes, stats: os.stat_result, was: int, settings: _Settings
    ) -> Entry | None:
        mode = self._mode(stats, was, settings)
        if mode is None:
            return None
        blob = self._hashes.blob(self._root + name, stats)
        return None if blob is None else Entry(blob, mode)

    @staticmethod
    def _mode(stats: os.stat_result, was: int, settings: _Settings) -> int | None:
        if stat.S_ISLNK(stats.st_mode):
            return SYMLINK
        if not stat.S_ISREG(stats.st_mode):
            return None
        if was == SYMLINK and not settings.symlinks:
            return SYMLINK
        if not settings.file_mode:
            return was if was in (REGULAR, EXECUTABLE) else REGULAR
        return EXECUTABLE if stats.st_mode & stat.S_IXUSR else REGULAR

    def _real_folders(self, folders: Iterable[bytes]) -> set[bytes]:
        """Those that are folders: what lies behind a symlink is not in the work tree."""
        real = {b""}
        for folder in folders:
            if folder.rpartition(b"/")[0] in real:
                try:
                    if stat.S_ISDIR(os.lstat(self._root + folder).st_mode):
                        real.add(folder)
                except OSError:
                    continue
        return real

    def _read_index(self) -> _Index:
        file = self.git.git_dir / "index"
        for _ in range(_TRIES):
            now = signature(file)
            if self._index is not None and self._index.signature == now:
                return self._index
            # `--debug` adds the stat data. Its form is not promised, so a git that prints
            # something else only costs time: every file is then hashed.
            output = self.git.run("ls-files", "-z", "--stage", "--debug")
            index = _parse_index(output, now)
            if index is None:
                index = _parse_index(self.git.run("ls-files", "-z", "--stage"), now)
            if index is None:
                raise RepositoryError("git ls-files printed what swe-sleep does not understand.")
            if signature(file) == now:
                break
        assert index is not None
        self._index = index
        return index

    def _read_settings(self) -> _Settings:
        now = signature(self.common_dir / "config")
        if self._settings is not None and self._settings[0] == now:
            return self._settings[1]
        output = self.git.ask("config", "-z", "--get-regexp", rf"^core\.({_SETTINGS})$") or b""
        values = {
            key.decode().lower(): value.decode("utf-8", "surrogateescape")
            for key, _, value in (record.partition(b"\n") for record in plumbing.records(output))
        }

        def off(name: str) -> bool:
            return values.get(f"core.{name}", "true").lower() in ("false", "no", "off", "0")

        autocrlf = values.get("core.autocrlf", "false").lower()
        settings = _Settings(
            file_mode=not off("filemode"),
            symlinks=not off("symlinks"),
            trust_ctime=not off("trustctime"),
            crlf=autocrlf in ("true", "yes", "on", "1", "")
            or (values.get("core.eol", "").lower() == "crlf"),
            attributes_file=values.get("core.attributesfile", ""),
        )
        self._settings = (now, settings)
        return settings

    def _conversions(self, index: _Index, others: list[bytes], settings: _Settings) -> set[bytes]:
        """The names that git converts on their way in."""
        tracked = [t.name for t in index.tracked]
        if settings.crlf:
            return set(tracked)
        home = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
        own = Path(settings.attributes_file or home / "git" / "attributes").expanduser()
        sources: list[bytes] = [
            os.fsencode(own),
            b"/etc/gitattributes",
            os.fsencode(self.common_dir / "info" / "attributes"),
            *(
                self._root + name
                for name in (*tracked, *others)
                if name.endswith(b".gitattributes")
                and name.rpartition(b"/")[2] == b".gitattributes"
            ),
        ]
        key = tuple((source, signature(source)) for source in sources)
        if self._converted[0] != key:
            mentioned = any(_mentions_conversion(s) for s, found in key if found)
            self._converted = (key, {} if mentioned else None)
        known = self._converted[1]
        if known is None:
            return set()
        if new := [name for name in tracked if name not in known]:
            output = self.git.run(
                "check-attr", "-z", "--stdin", *_CONVERSIONS, stdin=b"\0".join(new) + b"\0"
            )
            known.update(dict.fromkeys(new, False))
            fields = plumbing.records(output)
            for name, attribute, value in zip(fields, fields, fields, strict=True):
                neutral = value in (b"unspecified", b"unset") or (
                    attribute in (b"eol", b"crlf") and value in (b"lf", b"set", b"input")
                )
                known[name] = known[name] or not neutral
        return {name for name in tracked if known[name]}


def _mentions_conversion(source: bytes) -> bool:
    try:
        with open(source, "rb") as file:  # noqa: PTH123  (bytes)
            return _CONVERTS.search(file.read()) is not None
    except OSError:
        return False


def _parse_index(output: bytes, signature: tuple[int, ...]) -> _Index | None:
    """None where the output has a form that is not known."""
    tracked: dict[bytes, _Tracked] = {}
    folders: set[bytes] = {b""}
    position = 0
    while position < len(output):
        listed = _LISTED.match(output, position)
        if listed is None:
            return None
        mode, blob, stage, name = listed.groups()
        position = listed.end()
        stats: tuple[int, int, int] | None = None
        if debug := _STATS.match(output, position):
            position = debug.end()
            c_s, c_ns, m_s, m_ns, size = map(int, debug.groups())
            stats = (size, m_s * 1_000_000_000 + m_ns, c_s * 1_000_000_000 + c_ns)
        if stage != b"0":
            stats = None
        tracked[name] = _Tracked(name, from_os(name), Entry(blob.decode(), int(mode, 8)), stats)
        folder = name.rpartition(b"/")[0]
        while folder not in folders:
            folders.add(folder)
            folder = folder.rpartition(b"/")[0]
    return _Index(signature, tuple(tracked.values()), tuple(sorted(folders - {b""}, key=len)))
