"""The Docker engine: reaching it, saying what went wrong with it, and its sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from swe_sleep.errors import EngineLost, EngineUnavailable, SandboxError

if TYPE_CHECKING:
    import docker

PROBE_S = 10
TIMEOUT_S = 120
LOST_ADVICE = "Start Docker again, or use `--sandbox local`."
ABSENT_ADVICE = "Start Docker, or use `--sandbox local`."


def connect(*, timeout_s: int = TIMEOUT_S) -> docker.DockerClient:
    """A client of an engine that has just answered. Raises EngineUnavailable."""
    import docker
    import docker.errors
    import requests

    try:
        client = _client(PROBE_S)
        client.ping()
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise EngineUnavailable("No Docker engine answers.", ABSENT_ADVICE) from error
    client.api.timeout = timeout_s
    return client


def answers() -> bool:
    """Whether an engine can be used; never takes longer than a few seconds."""
    try:
        connect().close()
    except EngineUnavailable:
        return False
    return True


def _client(timeout_s: int) -> docker.DockerClient:
    import docker

    if not os.environ.get("DOCKER_HOST"):
        with contextlib.suppress(Exception):  # a broken context file: the default socket it is
            context = docker.ContextAPI.get_current_context()
            host = getattr(context, "Host", "")
            if host and getattr(context, "name", "default") != "default":
                return docker.DockerClient(base_url=host, timeout=timeout_s)
    return docker.from_env(timeout=timeout_s)


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
