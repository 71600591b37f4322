"""Images without a registry: a base made of this machine's own files, and one layer a project.

The base image has our interpreter, a shell and the usual tools at the same absolute paths as on
the host, so an environment that was built here runs there. A base image of the person's choice is
used as it is, with packages for its interpreter fetched here and laid into it: the network stays
off in every container.
"""

from __future__ import annotations

import glob
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from swe_sleep.errors import EnvironmentFailed
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import interpreter
from swe_sleep.sandbox.environment import Environments
from swe_sleep.sandbox.interpreter import Interpreter
from swe_sleep.sandbox.protocol import Environment, Progress

if TYPE_CHECKING:
    import docker

RECIPE = 5
BASE = "swe-sleep-base"
LAYERED = "swe-sleep-env"
KEPT = 10
PLACE = "/opt/swe-sleep"
"""Where an environment is in an image: it can be moved, and /tmp is covered there."""
PROGRAMS = (  # noqa: SIM905
    "bash sh env cat ls cp mv rm mkdir mkfifo rmdir ln touch chmod chown pwd echo printf "
    "true false test head tail sort uniq wc cut tr tee seq sleep date id whoami uname "
    "basename dirname readlink realpath mktemp stat du df dd od comm join paste nl tac split "
    "sha1sum sha256sum md5sum yes nproc timeout kill nice nohup expr find xargs grep egrep "
    "fgrep sed awk tar gzip gunzip diff cmp patch git ps which less file make"
).split()
EXTRA_FILES = (
    # what a program of ours is an alternative for comes with it; the others are not wanted
    *(path for path in interpreter.SYSTEM_FILES if path != "/etc/alternatives"),
    "/usr/lib/locale/C.utf8",
    "/usr/share/zoneinfo",
    "/usr/share/git-core/templates",
    "/usr/lib/git-core",
    "/lib/terminfo/d/dumb",
)
EXTRA_LIBRARIES = ("libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1")
"""Not linked by the interpreter, but wheels count on them."""
_LEFT_OUT = re.compile(
    r"/(?:site-packages|dist-packages|test|tests|idlelib|tkinter|turtledemo|ensurepip|lib2to3"
    r"|config-[^/]*|git-remote-[^/]*|git-http-[^/]*|git-daemon|git-imap-send|git-shell)(?:/|\Z)"
    r"|\.a\Z"
)


def can_be_made() -> bool:
    """Whether a base image can be made of this machine's files."""
    return sys.platform == "linux" and shutil.which("ldd") is not None


def default_name() -> str:
    """The image to ask the engine for where none can be made."""
    return f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"


def base_key(which: Interpreter) -> str:
    made_from = (RECIPE, which.path, which.build, platform.machine())
    return hashlib.sha256(repr(made_from).encode()).hexdigest()[:16]


def made(client: docker.DockerClient, which: Interpreter, *, progress: Progress) -> str:
    """The base image with one of this machine's interpreters, made now if it is not there."""
    tag = f"{BASE}:{base_key(which)}"
    if exists(client, tag):
        return tag
    import filelock

    with filelock.FileLock(Path(tempfile.gettempdir()) / f"{BASE}-{os.geteuid()}.lock"):
        if exists(client, tag):
            return tag
        progress("Making the sandbox's base image from this machine's files")
        with tempfile.TemporaryFile() as file:
            write_base(file, which)
            file.seek(0)
            # in chunks: for a file the library announces two lengths, and the engine stumbles
            chunks = iter(lambda: file.read(1 << 20), b"")
            client.api.import_image_from_stream(
                chunks, repository=BASE, tag=base_key(which), changes=["LABEL swe-sleep.kind=base"]
            )
    return tag


def fetched(client: docker.DockerClient, name: str, *, progress: Progress) -> str:
    """An image of the person's choice, asked of the engine if it is not there."""
    if not exists(client, name):
        progress(f"Asking the engine for the image {name}")
        host, slash, last = name.rpartition("/")  # a host may have a port
        short, _, tag = last.partition(":") if "@" not in name else (last, "", "")
        client.images.pull(f"{host}{slash}{short}", tag=tag or None)
    return name


def with_environment(
    client: docker.DockerClient, environment: Environment, *, progress: Progress
) -> Environment:
    """The environment as a layer over the base image."""
    which = interpreter.examine(environment.base) if environment.base else None
    base = made(client, which or interpreter.own(), progress=progress)
    tag = f"{LAYERED}:{_layer_key(client, base, environment.key)}"
    if not exists(client, tag):
        progress("Putting the project's dependencies into an image")
        with tempfile.TemporaryFile() as file:
            tree = Tree(file)
            tree.copy(Path(environment.python).parent.parent, PLACE)
            tree.close()
            file.seek(0)
            _lay(client, base, tag, file)
    return replace(environment, python=f"{PLACE}/bin/python", image=tag)


def foreign_environment(
    client: docker.DockerClient,
    base: str,
    environments: Environments,
    snapshot: Snapshot,
    *,
    progress: Progress,
) -> Environment:
    """The environment for an image whose interpreter is not ours."""
    python, version, target = _inside(client, base)
    environment, folder = environments.make_for(
        snapshot, python=version, platform=target, progress=progress
    )
    tag = f"{LAYERED}:{_layer_key(client, base, environment.key)}"
    if not exists(client, tag):
        progress("Putting the project's dependencies into an image")
        with tempfile.TemporaryFile() as file:
            tree = Tree(file)
            config = f"home = {os.path.dirname(python)}\nversion = {version}\n"
            tree.text(f"{PLACE}/pyvenv.cfg", config)
            tree.link(f"{PLACE}/bin/python", python)
            short = ".".join(version.split(".")[:2])
            tree.copy(folder, f"{PLACE}/lib/python{short}/site-packages")
            for tool in ("pytest", "coverage"):
                script = f'#!/bin/sh\nexec "$(dirname "$0")/python" -m {tool} "$@"\n'
                tree.text(f"{PLACE}/bin/{tool}", script, mode=0o755)
            tree.close()
            file.seek(0)
            _lay(client, base, tag, file)
    return replace(environment, python=f"{PLACE}/bin/python", image=tag)


def _inside(client: docker.DockerClient, base: str) -> tuple[str, str, str]:
    """An image's interpreter: its path, its version, and the platform its wheels are for."""
    ask = (
        "import json,platform,sys;print(json.dumps([getattr(sys,'_base_executable','') or "
        "sys.executable,platform.python_version(),platform.machine(),platform.libc_ver()[0]]))"
    )
    for name in ("python3", "python"):
        try:
            said = client.containers.run(
                base,
                [name, "-I", "-c", ask],
                entrypoint=[],
                network_mode="none",
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                read_only=True,
                remove=True,
                user="65532:65532",
                use_config_proxy=False,
            )
            python, version, machine, libc = json.loads(said)
        except Exception as error:  # no such program is said in several ways by the engines
            if name == "python":
                raise EnvironmentFailed(
                    f"The image {base} has no Python that runs.", "Choose another image."
                ) from error
            continue
        kind = "manylinux_2_28" if libc == "glibc" else "unknown-linux-musl"
        return str(python), str(version), f"{machine}-{kind}"
    raise AssertionError


def _lay(client: docker.DockerClient, base: str, tag: str, file: BinaryIO) -> None:
    """A new image: the base with the files of a tar on top."""
    repository, _, short = tag.partition(":")
    container = client.api.create_container(base, command=["true"], use_config_proxy=False)["Id"]
    try:
        client.api.put_archive(container, "/", file)
        client.api.commit(
            container, repository=repository, tag=short, changes=["LABEL swe-sleep.kind=env"]
        )
    finally:
        client.api.remove_container(container, force=True)
    _prune(client)


def _prune(client: docker.DockerClient) -> None:
    """Remove all but the newest of our layered images that nothing uses."""
    import docker.errors

    images = client.api.images(filters={"label": "swe-sleep.kind=env"})
    for old in sorted(images, key=lambda i: -int(i["Created"]))[KEPT:]:
        try:
            client.api.remove_image(old["Id"], force=True)
        except docker.errors.APIError:
            continue  # in use


def _layer_key(client: docker.DockerClient, base: str, key: str) -> str:
    made_from = (RECIPE, client.images.get(base).id, key)
    return hashlib.sha256(repr(made_from).encode()).hexdigest()[:20]


def exists(client: docker.DockerClient, name: str) -> bool:
    """Whether the engine has an image."""
    import docker.errors

    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


# the tar ------------------------------------------------------------------------------------


class Tree:
    """A root file system as a tar, filled from this machine. Everything belongs to root and can be
    read by all; folders above what is added are open, whatever they are here."""

    def __init__(self, file: BinaryIO) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w|", format=tarfile.GNU_FORMAT)  # noqa: SIM115
        self._there: set[str] = set()
        self._whole: set[str] = set()

    def close(self) -> None:
        self._tar.close()

    def add(self, path: str, *, left_out: re.Pattern[str] | None = None) -> None:
        """A file, symlink or folder at its own path, with what its symlinks lead to."""
        folder, name = os.path.split(path)
        real = self._folder(folder)
        path = os.path.join(real, name)
        if left_out and left_out.search(path):
            return
        # a folder may be there for one file's sake, without the rest of it
        if path in (self._whole if os.path.isdir(path) else self._there):
            return
        self._whole.add(path)
        if os.path.islink(path):
            target = os.readlink(path)
            self.link(path, target)
            led = os.path.normpath(os.path.join(real, target))
            if os.path.lexists(led):
                self.add(led, left_out=left_out)
        elif os.path.isdir(path):
            self.folder(path)
            for entry in sorted(os.listdir(path)):
                self.add(os.path.join(path, entry), left_out=left_out)
        elif os.path.isfile(path):
            self._file(path, path)

    def _folder(self, folder: str) -> str:
        """The real path of a folder, with every symlink on the way to it."""
        real = "/"
        for part in folder.strip("/").split("/") if folder.strip("/") else ():
            here = os.path.join(real, part)
            if os.path.islink(here):
                self.link(here, os.readlink(here))
                real = os.path.realpath(here)
                self._folder(real)
            else:
                real = here
        return real

    def folder(self, path: str) -> None:
        if path == "/" or path in self._there:
            return
        self.folder(os.path.dirname(path))
        self._there.add(path)
        info = tarfile.TarInfo(path.lstrip("/"))
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        self._tar.addfile(info)

    def link(self, path: str, target: str) -> None:
        if path in self._there:
            return
        self.folder(os.path.dirname(path))
        self._there.add(path)
        info = tarfile.TarInfo(path.lstrip("/"))
        info.type, info.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(info)

    def text(self, path: str, content: str, *, mode: int = 0o644) -> None:
        self.folder(os.path.dirname(path))
        self._there.add(path)
        info = tarfile.TarInfo(path.lstrip("/"))
        info.size, info.mode = len(content.encode()), mode
        self._tar.addfile(info, io.BytesIO(content.encode()))

    def copy(self, source: Path, target: str) -> None:
        """A folder of here under another name there."""
        self.folder(target)
        for path in sorted(source.rglob("*")):
            there = f"{target}/{path.relative_to(source).as_posix()}"
            if path.is_symlink():
                self.link(there, os.readlink(path))
            elif path.is_dir():
                self.folder(there)
            elif path.is_file():
                self._file(str(path), there)

    def _file(self, source: str, there: str) -> None:
        self.folder(os.path.dirname(there))
        self._there.add(there)
        with open(source, "rb") as file:
            status = os.fstat(file.fileno())
            info = tarfile.TarInfo(there.lstrip("/"))
            info.size, info.mtime = status.st_size, status.st_mtime
            info.mode = 0o755 if status.st_mode & 0o111 else 0o644
            self._tar.addfile(info, file)


def write_base(file: BinaryIO, which: Interpreter) -> None:
    """The base image's root file system, with one interpreter."""
    tree = Tree(file)
    for folder in (*interpreter.SYSTEM_FOLDERS, "/etc"):
        tree.add(folder, left_out=re.compile(r"/.*/")) if os.path.islink(folder) else None
    programs = [path for name in PROGRAMS if (path := shutil.which(name, path=os.defpath))]
    python, stdlib = which.path, which.stdlib
    extensions = glob.glob(f"{stdlib}/lib-dynload/*.so")
    for path in (*programs, python, os.path.realpath(python), stdlib):
        tree.add(path, left_out=_LEFT_OUT)
    for path in EXTRA_FILES:
        if os.path.exists(path):
            tree.add(path, left_out=_LEFT_OUT)
    git = glob.glob("/usr/lib/git-core/git")
    for library in _libraries([*programs, python, *extensions, *git]):
        tree.add(library)
    for folder in ("/tmp", "/workspace", "/proc", "/sys", "/dev", "/usr/bin"):
        tree.folder(folder)
    if not os.path.lexists("/usr/bin/python3") or python != "/usr/bin/python3":
        tree.link("/usr/local/bin/python3", python)
    users = {0: "root", 65532: "sandbox", 65534: "nobody", os.geteuid(): "sandbox"}
    lines = {uid: f"{name}:x:{uid}:{uid}::/tmp/home:/bin/sh\n" for uid, name in users.items()}
    tree.text("/etc/passwd", "".join({**lines, 0: "root:x:0:0::/root:/bin/sh\n"}.values()))
    tree.text("/etc/group", "".join(f"{name}:x:{gid}:\n" for gid, name in users.items()))
    tree.close()


def _libraries(programs: Iterable[str]) -> list[str]:
    """The shared libraries of these programs, with those that wheels expect."""
    done = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False)
    found = set(re.findall(r"(?:=>\s*|^\s*)(/\S+?)(?::|\s*\(0x)", done.stdout, re.MULTILINE))
    found -= set(programs)
    for folder in {os.path.dirname(path) for path in found}:
        for name in EXTRA_LIBRARIES:
            if os.path.exists(os.path.join(folder, name)):
                found.add(os.path.join(folder, name))
    return sorted(found)
