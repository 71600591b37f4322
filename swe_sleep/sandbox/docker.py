"""Sandboxes as containers of a Docker engine.

One container a sandbox, and one supervisor in it that all requests go to: an engine's `exec` takes
a hundred times longer. The supervisor is the container's first process: it reaps, nothing inside
can end it, and it ends when the owner's connection does, so that a killed owner leaves nothing.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

from swe_sleep.errors import EngineLost, SandboxError
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import bubblewrap, engine, image, owners
from swe_sleep.sandbox.box import SCRATCH, WORKDIR, Box, start_settings
from swe_sleep.sandbox.connection import Connection, command
from swe_sleep.sandbox.environment import EnvironmentOptions, Environments
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sandbox.protocol import Environment, Guarantees, Limits, Progress, Sandbox

if TYPE_CHECKING:
    import docker

OWNER_LABEL = "swe-sleep.owner"
UNPRIVILEGED = 65532
"""The user inside when we are root ourselves."""
SHARED_MEMORY_MB = 64
SUPERVISOR_MB = 64
SUPERVISOR_PROCESSES = 8
GENTLE_SHARES = 128
"""Of a processor that others want too; they have 1024."""
PATIENCE_S = 60.0


class DockerBackend:
    """Sandboxes in containers. `image_name` is a base image; empty for one made of this machine's
    own interpreter."""

    name = "docker"

    def __init__(self, options: EnvironmentOptions | None = None, *, image_name: str = "") -> None:
        self._options = options or EnvironmentOptions()
        self._image_name = image_name
        self._environments = Environments(self._options, opens=self._open_for_build)
        self._client: docker.DockerClient | None = None

    @property
    def client(self) -> docker.DockerClient:
        if self._client is None:
            self._client = engine.connect()
        return self._client

    def guarantees(self) -> Guarantees:
        return Guarantees(
            network_off=True,
            files_held=True,
            home_hidden=True,
            limits_held=True,
            text="Docker: no network, no capabilities, read-only system, all limits held",
        )

    def prepare(self, snapshot: Snapshot, *, progress: Progress) -> Environment:
        name = self._image_name or ("" if image.can_be_made() else image.default_name())
        with engine.translated("make the image"):
            if name:
                base = image.fetched(self.client, name, progress=progress)
                return image.foreign_environment(
                    self.client, base, self._environments, snapshot, progress=progress
                )
            environment = self._environments.make(snapshot, progress=progress)
            return image.with_environment(self.client, environment, progress=progress)

    def _open_for_build(
        self, snapshot: Snapshot, environment: Environment, limits: Limits
    ) -> Sandbox:
        """On this machine's own files where that is safe: compilers are there, and the base image,
        which is made of these files, has none."""
        if bubblewrap.works():
            return LocalBackend().open(snapshot, environment, limits=limits)
        layered = image.with_environment(self.client, environment, progress=lambda line: None)
        return self.open(snapshot, layered, limits=limits)

    def open(
        self, snapshot: Snapshot, environment: Environment, *, limits: Limits | None = None
    ) -> Box:
        limits = limits or Limits()
        client = self.client
        if not environment.image:
            raise SandboxError("This environment has no image.", "Prepare it with this backend.")
        if not engine.reachable():
            raise EngineLost("The engine answers no more.", engine.LOST_ADVICE)
        user = os.geteuid() or UNPRIVILEGED
        workdir = environment.workdir or WORKDIR
        with engine.translated("start a container"):
            reap(client)
            made = client.api.create_container(
                environment.image,
                command=command(environment.supervisor or environment.python),
                entrypoint=[],
                user=f"{user}:{os.getegid() or UNPRIVILEGED}",
                working_dir="/",
                # `detach=False` makes the engine close the input when we go, which ends it all
                stdin_open=True,
                detach=False,
                environment={"LANG": "C.UTF-8"},
                network_disabled=True,
                use_config_proxy=False,  # a proxy's address may hold a password
                labels={OWNER_LABEL: owners.me()},
                hostname="sandbox",
                host_config=self._host_config(client, limits, user, workdir),
            )
            container = made["Id"]
            try:
                attached = client.api.attach_socket(
                    container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                )
                client.api.start(container)
            except BaseException:
                remove(client, container)
                raise
        transport = engine.AttachedTransport(attached)

        def finish() -> None:
            transport.release()
            remove(client, container)

        box = Box(
            Connection(transport, engine.LOST_ADVICE),
            snapshot,
            environment,
            finish,
            workdir=workdir,
            scratch=SCRATCH,
        )
        box.start(start_settings(environment, limits, workdir=workdir), patience_s=PATIENCE_S)
        return box

    def _host_config(
        self, client: docker.DockerClient, limits: Limits, user: int, workdir: str
    ) -> Any:
        import docker.types

        # What is written to a tmpfs counts as memory of the container: without room for it a full
        # disk would kill the commands, and the supervisor.
        memory_mb = limits.memory_mb + limits.disk_mb + SHARED_MEMORY_MB + SUPERVISOR_MB
        cpus = min(limits.cpus, float(client.info().get("NCPU") or limits.cpus))
        mine = f"rw,exec,nosuid,nodev,mode=0755,uid={user},gid={os.getegid() or UNPRIVILEGED}"
        return client.api.create_host_config(
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=True,
            tmpfs={
                workdir: f"{mine},size={limits.disk_mb * 3 // 4}m",
                "/tmp": f"{mine},size={limits.disk_mb // 4}m",
            },
            shm_size=SHARED_MEMORY_MB << 20,
            mem_limit=memory_mb << 20,
            memswap_limit=memory_mb << 20,
            nano_cpus=int(cpus * 1e9),
            cpu_shares=GENTLE_SHARES if limits.gentle else None,
            pids_limit=limits.processes + SUPERVISOR_PROCESSES,
            auto_remove=True,
            # the engine would keep a copy of everything we read
            log_config=docker.types.LogConfig(type="none"),
        )


def remove(client: docker.DockerClient, container: str) -> None:
    """End and remove a container; no error if it, or the engine, is gone."""
    import docker.errors
    import requests

    if not engine.reachable():
        return  # the container ends with our connection, and the engine removes it
    try:
        client.api.remove_container(container, force=True, v=True)
    except docker.errors.NotFound:
        return
    except docker.errors.APIError:
        until = time.monotonic() + 10  # its removal is under way: wait for the end of it
        with contextlib.suppress(docker.errors.APIError, requests.exceptions.RequestException):
            while time.monotonic() < until:
                client.api.inspect_container(container)
                time.sleep(0.02)
    except (requests.exceptions.RequestException, OSError):
        return


def reap(client: docker.DockerClient) -> int:
    """Remove containers whose owner is gone; how many."""
    removed = 0
    for found in client.api.containers(all=True, filters={"label": OWNER_LABEL}):
        if owners.gone(found["Labels"].get(OWNER_LABEL, "")):
            remove(client, found["Id"])
            removed += 1
    return removed
