"""What is sent to the nodes of a cluster: each content once into the cluster's object store, from
where the nodes that need it fetch it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import swe_sleep
from swe_sleep.evaluate.executors.packing import digest_of, pack

CHUNK_BYTES = 8 << 20


class _Chunks:
    """A file to write to, which keeps what is written in pieces."""

    def __init__(self, put: Callable[[bytes], Any]) -> None:
        self._put, self._waiting = put, bytearray()
        self.references: list[Any] = []

    def write(self, data: bytes) -> int:
        self._waiting += data
        while len(self._waiting) >= CHUNK_BYTES:
            self._keep(CHUNK_BYTES)
        return len(data)

    def close(self) -> None:
        if self._waiting:
            self._keep(len(self._waiting))

    def _keep(self, size: int) -> None:
        self.references.append(self._put(bytes(self._waiting[:size])))
        del self._waiting[:size]


class Shipping:
    """Contents by their digest. `put` keeps bytes in the object store and names them. What is put
    stays until the end; Ray moves to disk what is more than the store holds."""

    def __init__(self, put: Callable[[bytes], Any]) -> None:
        self._put = put
        self._digests: dict[Path, str] = {}
        self._contents: dict[str, list[Any]] = {}

    def digest(self, path: Path) -> str:
        """Raises OSError."""
        if path not in self._digests:
            self._digests[path] = digest_of(path)
        return self._digests[path]

    def content(self, path: Path) -> list[Any]:
        """Its pieces in the object store. Raises OSError."""
        return self._stored(self.digest(path), path, path.name or "root")

    def package(self) -> tuple[str, str, list[Any]]:
        """Our own code: name, digest, pieces."""
        folder = Path(swe_sleep.__file__).parent
        digest = digest_of(folder, code=True)
        return folder.name, digest, self._stored(digest, folder, folder.name, code=True)

    def _stored(self, digest: str, path: Path, name: str, *, code: bool = False) -> list[Any]:
        if digest not in self._contents:
            chunks = _Chunks(self._put)
            file: Any = chunks
            pack(path, name, file, code=code)
            chunks.close()
            self._contents[digest] = chunks.references
        return self._contents[digest]


def requirements() -> list[str]:
    """What our package cannot do without, as `name specifier`; nothing where it is not installed
    as a distribution."""
    from packaging.requirements import Requirement

    try:
        stated = importlib.metadata.requires("swe-sleep") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    wanted = [Requirement(each) for each in stated]
    return [
        f"{each.name} {each.specifier}".strip()
        for each in wanted
        if each.marker is None or each.marker.evaluate({"extra": ""})
    ]
