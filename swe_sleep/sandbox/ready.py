"""Images that hold a repository with all that it needs, as SWE-bench publishes one for each of its
instances: the repository in /testbed, mostly with a conda environment named `testbed`.

The interpreter is used as it is. The repository's copy is made from the snapshot, at the same place
in memory, as an editable installation points there; what the image has there beside the commit
(compiled extensions, an installation's metadata, settings that were changed) is put into the copy.
Nothing else in the image can be written to, and there is no network.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from swe_sleep.errors import EngineLost, EngineUnavailable, EnvironmentFailed
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import engine, image, owners
from swe_sleep.sandbox.cache import Cache, write_record
from swe_sleep.sandbox.docker import OWNER_LABEL, DockerBackend, remove
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.protocol import Environment, Progress

if TYPE_CHECKING:
    import docker

RECIPE = 1
"""Part of every key; raise it when what is taken from an image changes."""
ROOT = "/testbed"
PYTHONS = (
    "/opt/miniconda3/envs/testbed/bin/python",
    f"{ROOT}/.venv/bin/python",
    "python3",
    "python",
)
SUPERVISORS = ("/opt/miniconda3/bin/python", "/usr/local/bin/python3", "/usr/bin/python3")
OLDEST = (3, 8)
"""Of Python, that our own programs run with."""
MOST_BYTES = 2_000_000_000
PATIENCE_S = 120.0
LEFT_OUT = ("PATH", "HOME", "PWD", "HOSTNAME", "USER", "TMPDIR")
"""Of the image's variables; the sandbox has its own."""
_ASK = "import json,platform,sys;print(json.dumps([sys.executable,platform.python_version()]))"
_BESIDE = (
    f"cd {ROOT} && {{ git ls-files --others -z; git diff --name-only --diff-filter=d -z %s; }}"
    " | tar --null --no-recursion -T - -cf -"
)


class ReadyBackend(DockerBackend):
    """Sandboxes in one such image."""

    def __init__(self, name: str, options: EnvironmentOptions | None = None) -> None:
        super().__init__(options, image_name=name)
        self._name = name
        self._kept = Cache((options or EnvironmentOptions()).cache_dir)

    def prepare(self, snapshot: Snapshot, *, progress: Progress) -> Environment:
        """What the image has. Raises EnvironmentFailed where it is not such an image."""
        with engine.translated("look into the image"):
            found = self.client.images.get(self._name)
            facts = (RECIPE, found.id, snapshot.head)
            key = hashlib.sha256(repr(facts).encode()).hexdigest()[:20]

            def make(folder: Path) -> Path:
                progress(f"Looking into the image {self._name}")
                return _look(self.client, self._name, snapshot.head or "HEAD", folder)

            record = self._kept.kept(key, make)
        place = self._kept.folder / key
        variables = (entry.partition("=") for entry in found.attrs["Config"].get("Env") or ())
        return Environment(
            key=key,
            python=record["python"],
            image=self._name,
            problem=record["problem"],
            version=record["version"],
            chosen="it is the image's own",
            variables={name: value for name, _, value in variables if name not in LEFT_OUT},
            generated={path: str(place / name) for path, name in record["generated"]},
            workdir=ROOT,
            supervisor=record["supervisor"],
        )


def ready(name: str, *, pull: bool = False, progress: Progress) -> ReadyBackend | None:
    """Sandboxes in this image; None where no engine answers, or it has no such image and must not,
    or can not, fetch it."""
    import docker.errors

    try:
        client = engine.connect()
    except EngineUnavailable:
        return None
    try:
        if not image.exists(client, name):
            if not pull:
                return None
            image.fetched(client, name, progress=progress)
    except docker.errors.APIError as error:
        progress(f"The engine cannot fetch {name}: {error.explanation or error}")
        return None
    finally:
        client.close()
    return ReadyBackend(name)


def _look(client: docker.DockerClient, name: str, commit: str, folder: Path) -> Path:
    """A folder with what the image has beside the commit, and a record of its interpreter."""
    made = folder / "ready"
    made.mkdir()
    with _started(client, name) as container:
        python, version = _python(container, PYTHONS)
        if not python:
            raise EnvironmentFailed(f"The image {name} has no Python that runs.")
        supervisor = python if _enough(version) else _supervisor(container)
        if not supervisor:
            raise EnvironmentFailed(
                f"The image {name} has Python {version}, and none from {_words(OLDEST)} on."
            )
        known = container.exec_run(["git", "-C", ROOT, "cat-file", "-e", f"{commit}^{{commit}}"])
        problem = "" if known.exit_code == 0 else f"the image does not know commit {commit[:12]}"
        generated: list[tuple[str, str]] = []
        if not problem:
            with tempfile.TemporaryFile(dir=folder) as file:
                _copy_out(client, container, commit, file)
                generated = list(_unpacked(file, made))
    write_record(
        made, problem, python=python, version=version, supervisor=supervisor, generated=generated
    )
    return made


@contextmanager
def _started(client: docker.DockerClient, name: str) -> Iterator[Any]:
    """A container of the image in which nothing but our questions runs."""
    container = client.containers.create(
        name,
        ["sleep", "3600"],
        entrypoint=[],
        user="0:0",  # the files are root's, and may be closed to others
        network_mode="none",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        read_only=True,
        tmpfs={"/tmp": "rw,size=16m"},
        use_config_proxy=False,
        labels={OWNER_LABEL: owners.me()},
    )
    try:
        container.start()
        yield container
    finally:
        remove(client, str(container.id))


def _python(container: Any, names: tuple[str, ...]) -> tuple[str, str]:
    """The first that runs, with its version."""
    for name in names:
        done = container.exec_run([name, "-I", "-c", _ASK])
        if done.exit_code == 0:
            try:
                python, version = json.loads(done.output)
            except ValueError:
                continue
            return str(python), str(version)
    return "", ""


def _supervisor(container: Any) -> str:
    for name in SUPERVISORS:
        python, version = _python(container, (name,))
        if python and _enough(version):
            return python
    return ""


def _enough(version: str) -> bool:
    numbers = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    return tuple(numbers) >= OLDEST


def _words(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _copy_out(client: docker.DockerClient, container: Any, commit: str, file: BinaryIO) -> None:
    """A tar of what differs from the commit. Raises EnvironmentFailed where it is too much."""
    script = _BESIDE % shlex.quote(commit)
    made = client.api.exec_create(container.id, ["sh", "-c", script])
    transport = engine.AttachedTransport(client.api.exec_start(made["Id"], socket=True))
    try:
        while output := transport.receive(PATIENCE_S):
            file.write(output)
            if file.tell() > MOST_BYTES:
                raise EnvironmentFailed("The image has too much beside the repository's files.")
        if output is None:
            raise EngineLost("The engine stopped while it read an image.", engine.LOST_ADVICE)
    finally:
        transport.release()
    file.seek(0)


def _unpacked(file: BinaryIO, folder: Path) -> Iterator[tuple[str, str]]:
    """The files of a tar under plain names: the path there, and the name here."""
    if not file.read(1):  # no git there, or no tar
        return
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:", errors="surrogateescape") as archive:
        for number, member in enumerate(archive):
            path = member.name.removeprefix("./")
            parts = path.split("/")
            cache = path.endswith((".pyc", ".pyo")) or not {".git", ".."}.isdisjoint(parts)
            content = archive.extractfile(member) if member.isfile() and not cache else None
            if content is not None and path.isprintable():
                name = f"{number:06}"
                (folder / name).write_bytes(content.read())
                yield path, name
