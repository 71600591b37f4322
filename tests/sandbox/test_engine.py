"""An engine that is not there, stops half-way, or hangs."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from swe_sleep.errors import EngineLost, EngineUnavailable
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import connection
from swe_sleep.sandbox.choose import choose
from swe_sleep.sandbox.environment import EnvironmentOptions

Make = Callable[[Mapping[str, str]], Snapshot]


class Proxy:
    """Stands between us and the engine, and can be cut or made to hang."""

    def __init__(self, path: Path, engine: str) -> None:
        self.path, self.engine = path, engine
        self.hanging = threading.Event()
        self.ends: list[socket.socket] = []
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                ours, _ = self.server.accept()
            except OSError:
                return
            theirs = socket.socket(socket.AF_UNIX)
            theirs.connect(self.engine)
            self.ends += [ours, theirs]
            for source, target in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if self.hanging.is_set():
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def cut(self) -> None:
        self.server.close()
        self.path.unlink(missing_ok=True)
        for end in self.ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    made = Proxy(tmp_path / "engine.sock", address.removeprefix("unix://"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{made.path}")
    yield made
    made.cut()
    for end in made.ends:
        end.close()


def test_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    with pytest.raises(EngineUnavailable, match="Start Docker"):
        choose("docker")
    assert choose("auto").name == "local"


@pytest.mark.docker
def test_auto_takes_docker_when_an_engine_answers() -> None:
    assert choose("auto").name == "docker"
    assert choose("local").name == "local"


@pytest.mark.docker
@pytest.mark.parametrize("how", ["cut", "hang"])
def test_an_engine_that_stops_half_way(
    proxy: Proxy, make_snapshot: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    backend = choose("docker", options=EnvironmentOptions(cache_dir=tmp_path / "cache"))
    snapshot = make_snapshot({"a.txt": "1"})
    environment = backend.prepare(snapshot, progress=lambda _: None)
    box = backend.open(snapshot, environment)
    if how == "hang":
        monkeypatch.setattr(connection, "SILENCE_S", 5.0)
    threading.Timer(0.3, proxy.cut if how == "cut" else proxy.hanging.set).start()
    began = time.monotonic()
    with pytest.raises(EngineLost, match="Start Docker again"):
        box.run(["sleep", "600"], timeout_s=600)
    assert time.monotonic() - began < 60
    proxy.cut()
    box.close()
    with pytest.raises(EngineLost):
        backend.open(snapshot, environment)
