"""The Docker engine: reaching it, saying what went wrong with it, and its sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swe_sleep.errors import EngineLost, EngineUnavailable, SandboxError

if TYPE_CHECKING:
    import docker

PROBE_S = 10
TIMEOUT_S = 120
DEFAULT_HOST = "unix:///var/run/docker.sock"
LOST_ADVICE = "Start Docker again, or use `--backend local`."
ABSENT_ADVICE = "Start Docker, or use `--backend local`."


def connect(*, timeout_s: int = TIMEOUT_S) -> docker.DockerClient:
    """A client of an engine that has just answered. Raises EngineUnavailable."""
    import docker
    import docker.errors
    import requests

    host = _host()
    if not reachable(host):
        raise EngineUnavailable("No Docker engine answers.", ABSENT_ADVICE)
    try:
        if os.environ.get("DOCKER_HOST"):
            client = docker.from_env(timeout=PROBE_S)  # reads the TLS variables too
        else:
            client = docker.DockerClient(base_url=host, timeout=PROBE_S)
        client.ping()
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise EngineUnavailable("No Docker engine answers.", ABSENT_ADVICE) from error
    client.api.timeout = timeout_s
    return client


def reachable(host: str = "") -> bool:
    """Whether something listens on the engine's local socket; True for an engine elsewhere. Asked
    first because the library leaks a socket for each connection that fails."""
    kind, _, path = (host or _host()).partition("://")
    if kind not in ("unix", "http+unix"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def answers() -> bool:
    """Whether an engine can be used; never takes longer than a few seconds."""
    try:
        connect().close()
    except EngineUnavailable:
        return False
    return True


def _host() -> str:
    """The engine that the person's settings name, as the docker command finds it."""
    host = os.environ.get("DOCKER_HOST", "")
    if host or not (Path.home() / ".docker" / "config.json").exists():
        return host or DEFAULT_HOST
    import docker

    with contextlib.suppress(Exception):  # a broken context file: the default socket it is
        context = docker.ContextAPI.get_current_context()
        if getattr(context, "name", "default") != "default":
            host = getattr(context, "Host", "")
    return host or DEFAULT_HOST


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Errors of the library as ours; `doing` completes the sentence "could not ..."."""
    import docker.errors
    import requests

    try:
        yield
    except docker.errors.APIError as error:
        said = error.explanation or str(error)
        raise SandboxError(f"The engine could not {doing}: {said}.") from error
    except docker.errors.DockerException as error:
        raise EngineUnavailable(f"The engine could not {doing}: {error}.", ABSENT_ADVICE) from error
    except (requests.exceptions.RequestException, OSError) as error:
        raise EngineLost(f"The engine stopped while it was to {doing}.", LOST_ADVICE) from error


class AttachedTransport:
    """A container's standard streams over the engine's attach socket."""

    def __init__(self, attached: Any) -> None:
        self._attached = attached  # keeps the response, and with it the socket, alive
        self._socket: socket.socket = getattr(attached, "_sock", attached)
        self._frames = bytearray()
        self._said = bytearray()

    def send(self, data: bytes, timeout_s: float) -> None:
        self._socket.settimeout(timeout_s)
        self._socket.sendall(data)

    def receive(self, timeout_s: float) -> bytes | None:
        """What came on stdout. The engine wraps both outputs in frames of a type, three unused
        bytes and a length."""
        while True:
            out = bytearray()
            while len(self._frames) >= 8:
                kind, size = struct.unpack_from(">BxxxL", self._frames)
                if len(self._frames) < 8 + size:
                    break
                content = self._frames[8 : 8 + size]
                del self._frames[: 8 + size]
                if kind == 1:
                    out += content
                else:
                    self._said += content
            if out:
                return bytes(out)
            self._socket.settimeout(timeout_s)
            try:
                data = self._socket.recv(1 << 18)
            except TimeoutError:
                return None
            if not data:
                return b""
            self._frames += data

    def diagnosis(self) -> str:
        return self._said[-2000:].decode(errors="replace").strip()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()
            self._attached.close()
