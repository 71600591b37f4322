"""Fetching a package's source where its index has no wheel of it. The index and the proxy are the
person's: the installer is asked where it would look. Nothing of what is fetched is run here."""

from __future__ import annotations

import hashlib
import html
import io
import os
import re
import tarfile
import urllib.parse
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from swe_sleep.errors import EnvironmentFailed
from swe_sleep.records import Entry
from swe_sleep.repo.snapshot import EXECUTABLE, REGULAR, Snapshot
from swe_sleep.sandbox.project.found import normal

if TYPE_CHECKING:
    from packaging.version import Version

MOST_BYTES = 100_000_000
MOST_FILES = 20_000
PATIENCE_S = 120.0
_BUNDLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "PIP_CERT")
_ENDS = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")


@dataclass(frozen=True, slots=True)
class Source:
    """A package's source: its name and version, and its files as a snapshot."""

    name: str
    version: str
    digest: str
    snapshot: Snapshot


def fetch(name: str, specifiers: str, places: Sequence[str]) -> Source:
    """The newest source of a package that fits. `places` are indexes and folders, as the installer
    has them. Raises EnvironmentFailed."""
    from packaging.specifiers import SpecifierSet

    asked = SpecifierSet(specifiers)
    for place in places:
        found = [
            (version, link)
            for link in _links(place, name)
            if (version := _version(link, name)) is not None and version in asked
        ]
        if found:
            version, link = max(found, key=lambda pair: pair[0])
            content = _read(link)
            snapshot = unpacked(content, _file_name(link))
            return Source(name, str(version), hashlib.sha256(content).hexdigest()[:20], snapshot)
    raise EnvironmentFailed(f"there is no source of {name}{specifiers} to build")


def _version(link: str, name: str) -> Version | None:
    from packaging.version import InvalidVersion, Version

    file = _file_name(link)
    end = next((end for end in _ENDS if file.endswith(end)), None)
    project, dash, version = file.removesuffix(end or "").rpartition("-")
    if end is None or not dash or normal(project) != normal(name):
        return None
    try:
        found = Version(version)
    except InvalidVersion:
        return None
    return None if found.is_prerelease else found


def _links(place: str, name: str) -> Iterator[str]:
    """What an index (PEP 503) or a folder has of a package."""
    local = place.removeprefix("file://")
    if local.startswith("/"):
        for folder in (Path(local), Path(local) / normal(name)):
            if folder.is_dir():
                yield from (str(path) for path in sorted(folder.iterdir()) if path.is_file())
        return
    if not place.startswith(("https://", "http://")):
        return
    page = f"{place.rstrip('/')}/{normal(name)}/"
    text = _download(page, missing_is_empty=True).decode("utf-8", "replace")
    for anchor in re.findall(r"<a\s[^>]*>", text, re.I):
        link = re.search(r"href\s*=\s*[\"']([^\"']+)[\"']", anchor, re.I)
        if link and "data-yanked" not in anchor:
            yield urllib.parse.urljoin(page, html.unescape(link[1]))


def _file_name(link: str) -> str:
    return urllib.parse.unquote(link.partition("#")[0].rpartition("/")[2])


def _read(link: str) -> bytes:
    if link.startswith("/"):
        path = Path(link)
        if path.stat().st_size > MOST_BYTES:
            raise EnvironmentFailed(f"{path.name} is too large")
        return path.read_bytes()
    address, _, fragment = link.partition("#")
    content = _download(address)
    kind, _, digest = fragment.partition("=")
    if kind in ("sha256", "sha512") and hashlib.new(kind, content).hexdigest() != digest:
        raise EnvironmentFailed(f"{_file_name(link)} is not what its index says")
    return content


def _download(address: str, *, missing_is_empty: bool = False) -> bytes:
    """A page or file, through the person's proxy and with the person's authorities."""
    import requests

    named = (os.environ.get(name) for name in _BUNDLES)
    bundle = next((path for path in named if path), True)
    try:
        with requests.get(address, timeout=PATIENCE_S, verify=bundle, stream=True) as reply:
            if reply.status_code == 404 and missing_is_empty:
                return b""
            reply.raise_for_status()
            content = bytearray()
            for chunk in reply.iter_content(1 << 20):
                content += chunk
                if len(content) > MOST_BYTES:
                    raise EnvironmentFailed("a package's source is too large")
            return bytes(content)
    except (requests.RequestException, OSError) as error:
        raise EnvironmentFailed(f"the index does not answer: {type(error).__name__}") from error


class _Memory:
    def __init__(self, contents: dict[str, bytes]) -> None:
        self._contents = contents

    def read(self, path: str, entry: Entry) -> bytes:
        return self._contents[path]


def unpacked(content: bytes, name: str) -> Snapshot:
    """An archive's regular files below its one top folder. Nothing is written to disk."""
    contents: dict[str, bytes] = {}
    programs: set[str] = set()
    total = 0
    try:
        for path, read, runs in _members(content, name):
            parts = path.split("/")[1:]
            if not parts or not all(parts) or {".", ".."} & set(parts) or not path.isprintable():
                continue
            contents["/".join(parts)] = read
            programs |= {"/".join(parts)} if runs else set()
            total += len(read)
            if total > 5 * MOST_BYTES or len(contents) > MOST_FILES:
                raise EnvironmentFailed(f"{name} is too large")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise EnvironmentFailed(f"{name} can't be unpacked: {error}") from error
    entries = {
        path: Entry(hashlib.sha1(text).hexdigest(), EXECUTABLE if path in programs else REGULAR)
        for path, text in contents.items()
    }
    return Snapshot(entries, None, None, _Memory(contents))


def _members(content: bytes, name: str) -> Iterator[tuple[str, bytes, bool]]:
    """Path, content, and whether it may be run."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                if not info.is_dir() and info.file_size <= MOST_BYTES:
                    yield info.filename, archive.read(info), False
        return
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            if file is not None and member.size <= MOST_BYTES:
                yield member.name, file.read(), bool(member.mode & 0o100)
