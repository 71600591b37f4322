"""From the settings to a backend, and to what a sandbox of it may use."""

from __future__ import annotations

from typing import Literal

from swe_sleep.config import EnvironmentSettings, SandboxSettings
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.protocol import Backend, Limits

Setting = Literal["auto", "docker", "local"]


def choose(
    setting: Setting = "auto", *, options: EnvironmentOptions | None = None, image: str = ""
) -> Backend:
    """The backend for a setting: `auto` takes Docker when an engine answers. Raises
    EngineUnavailable for `docker` when none does. `image` is a base image for Docker, empty or
    "auto" for one made of this machine's interpreter."""
    from swe_sleep.sandbox import engine
    from swe_sleep.sandbox.local import LocalBackend

    if setting == "docker":
        engine.connect().close()
    elif setting == "local" or not engine.answers():
        return LocalBackend(options)
    from swe_sleep.sandbox.docker import DockerBackend

    return DockerBackend(options, image_name="" if image == "auto" else image)


def limits(wanted: SandboxSettings) -> Limits:
    """What a sandbox may use."""
    return Limits(
        memory_mb=wanted.memory_mb,
        processes=wanted.processes,
        cpus=wanted.cpus,
        disk_mb=wanted.disk_mb,
    )


def options(wanted: EnvironmentSettings) -> EnvironmentOptions:
    """What a person says about environments."""
    return EnvironmentOptions(
        python=wanted.python,
        requirements=wanted.requirements,
        extras=wanted.extras,
        variables=dict(wanted.variables),
        test_paths=wanted.test_paths,
        test_arguments=wanted.test_arguments,
        build=wanted.build,
        until=wanted.until,
    )
