"""Values that are known to be secret before any text is masked.

They come from the environment of this process, and from files of the repository that are kept for
secrets: those are masked wherever they turn up, also in part of such a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from swe_sleep.errors import RepositoryError
from swe_sleep.model.secrets import FORMS, LEAST_CHARS, Masker, logins, made_up
from swe_sleep.repo.snapshot import REGULAR_FILES, Snapshot

_NAME = re.compile(
    r"(?i)token|secret|passw|passphrase|credential|(?:api|access|private|signing|auth)_?key"
    r"|(?:^|_)(?:auth|pat|key|pwd|pass)$"
)
_SETTING = re.compile(r"""(?m)^\s*(?:export\s+)?([\w.-]+)\s*[:=]\s*(["']?)(.{8,500}?)\2\s*$""")
_SECRET_FILE = re.compile(
    r"(?i)(?:^|/)(?:\.env(?:\.(?!example|sample|template|dist)[\w-]+)*|\.netrc|\.npmrc|\.pypirc"
    r"|\.pgpass|credentials|id_(?:rsa|dsa|ecdsa|ed25519)|[^/]+\.(?:pem|key|env))$"
)
MOST_BYTES = 100_000
KEY_FILE = ".masking-key"


def masker(environment: Mapping[str, str], snapshot: Snapshot, folder: Path) -> Masker:
    """Knows the secrets of the environment and of the snapshot's files. Its placeholders are the
    same for whoever uses the same folder, in which the key for them is kept."""
    values = [*of_environment(environment), *of_files(snapshot)]
    return Masker(values, key=_key(folder))


def of_environment(environment: Mapping[str, str]) -> Iterator[str]:
    """Values of the variables that are named like a secret, and logins in addresses."""
    for name, value in environment.items():
        if _NAME.search(name) and not value.startswith(("/", "~")):
            yield value
        yield from logins(value)


def of_files(snapshot: Snapshot) -> Iterator[str]:
    """Values in files that are kept for secrets; each line of a private key is one, as a reader
    may see a part of it."""
    for path, entry in snapshot.files.items():
        if entry.mode not in REGULAR_FILES or not _SECRET_FILE.search(path):
            continue
        try:
            content = snapshot.read(path)
        except RepositoryError:
            continue
        if len(content) > MOST_BYTES:
            continue
        text = content.decode("utf-8", "replace")
        for block in re.finditer(FORMS["private key"][1], text):
            yield from (line for line in block[0].split("\n")[1:-1] if len(line) >= 32)
        for name, _, value in _SETTING.findall(text):
            if _NAME.search(name) and not value.isalpha() and not made_up(value):
                yield value


def _key(folder: Path) -> bytes | None:
    """The folder's key, made where there is none; None where it cannot be kept."""
    file = folder / KEY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(os.urandom(32))
    except OSError:
        pass  # it is there already, or cannot be
    try:
        key = file.read_bytes()
    except OSError:
        return None
    return key if len(key) >= LEAST_CHARS else None
