"""One settings object.

Defaults < pyproject `[tool.swe-sleep]` < swe-sleep.toml < environment < flags.
Environment variables are `SWE_SLEEP_<TABLE>__<KEY>`, such as `SWE_SLEEP_SLEEP__BUDGET_S=60`.
Unknown keys and bad values are refused with the key, and where it stands, named.

The two files belong to the repository, and a repository may be hostile: keys that decide where a
key or code goes, or what money is (`FROM_PERSON_ONLY`), are taken from the environment and flags
alone. Of `environment.python` a repository may set a version such as "3.12", which only chooses
among the interpreters that are here.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from swe_sleep.errors import ConfigError

ENV_PREFIX = "SWE_SLEEP_"
FROM_PERSON_ONLY = (
    "model.base_url",
    "model.provider",
    "model.region",
    "model.project",
    "model.resource",
    "model.prices",
    "environment.python",
)
ONLY_LOWERED = (
    "sleep.budget_usd",
    "sleep.budget_usd_day",
    "sleep.budget_usd_note",
    "sleep.budget_tokens",
    "model.budget_usd",
    "model.budget_tokens",
)
"""What may be spent. A repository's file may ask for less than the defaults: it may be a
stranger's, and it is the person who pays."""
PYTHON_VERSION = re.compile(r"3(?:\.\d+){1,2}\Z")
DEFAULT_MODEL = "claude-opus-5-5"
"""The provider's own advice for long work on code, and cheaper than the Opus before it."""

Effort = Literal["low", "medium", "high", "xhigh", "max"]
Strategy = Literal["single", "first-finish", "best-of"]
Provider = Literal["anthropic", "bedrock", "vertex", "foundry"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WatchSettings(_Table):
    settle_s: float = Field(0.5, gt=0, le=60)
    """Seconds without a further event before a change set is taken as settled."""
    poll_s: float | None = Field(None, gt=0)
    """Look every so many seconds, where no file events come; unset: only where they fail."""


class SleepSettings(_Table):
    budget_s: float = Field(300, gt=0)
    """Wall seconds that one pass may take."""
    budget_usd: float = Field(0.50, ge=0)
    """US dollars that one pass over the repository may spend; without a key nothing ever is."""
    budget_usd_day: float = Field(2.0, ge=0)
    """US dollars that all passes of one day may spend together."""
    budget_usd_note: float = Field(0.15, ge=0)
    """US dollars that one note may cost."""
    budget_tokens: int = Field(400_000, ge=0)
    """Tokens that one pass over the repository may read and write."""
    budget_cpu_s: float = Field(1200, gt=0)
    """Processor seconds that one pass may take, with all that it starts here; what runs inside a
    Docker container is not counted."""
    ask_model: bool = True
    """Let Claude write summaries, anticipate issues and write tests, where it can be asked."""
    model: str = ""
    """The model that passes ask; empty: the one that `solve` asks."""
    effort: Effort | None = None
    """How hard it thinks while nobody waits; unset: the model's own default."""
    batch: bool = True
    """Ask through message batches, at half the price, what nobody waits for."""
    idle: bool = True
    """Wait while the machine is busy with the person's own work."""
    history_commits: int = Field(2000, ge=0)
    """How many of the newest commits are read."""
    speculate: bool = True
    """Prepare and test patches for failing tests."""
    speculate_s: float = Field(60, gt=0)
    """Seconds for one failing test's candidate patches."""
    checks: bool = True
    """Look at new findings of a linter and a type checker; they are leads, never shown alone."""
    prove: bool = True
    """Write and run tests for what a change seems to break."""
    hunt: bool = True
    """Exercise risky functions that no test covers."""
    hunt_s: float = Field(20, gt=0)
    """Seconds for one function that is exercised."""


class TestsSettings(_Table):
    __test__ = False

    timeout_s: float = Field(900, gt=0)
    """Seconds for one run of tests."""
    suite_s: float = Field(180, gt=0)
    """Seconds that `solve` gives the whole suite; one that takes longer is cut, and said to be."""
    test_timeout_s: float = Field(60, gt=0)
    """Seconds for one test."""


class SolveSettings(_Table):
    search_s: float = Field(60, gt=0)
    """Seconds for the built-in search."""
    search_candidates: int = Field(50_000, ge=1)
    """Candidate patches that the built-in search may try."""
    context_tokens: int = Field(600, ge=0)
    """Tokens of a prompt for the places where the issue seems to be; 0: none are given."""
    strategy: Strategy = "single"
    """How Claude is asked: in one run; in several at once, of which the first verified patch is
    taken; or in several whose tests, and then Claude, choose among their patches."""
    candidates: int = Field(3, ge=2, le=16)
    """Runs for the strategies with several. The budget is for all of them together."""


class SandboxSettings(_Table):
    backend: Literal["auto", "docker", "local"] = "auto"
    image: str = ""
    """A base image of your own; empty: made from this machine's interpreter."""
    memory_mb: int = Field(2048, ge=128)
    processes: int = Field(256, ge=16)
    cpus: float = Field(2.0, gt=0)
    disk_mb: int = Field(1024, ge=16)


class EnvironmentSettings(_Table):
    """What the tests run in. Unset keys are found out from the repository's files."""

    python: str = ""
    """The interpreter: a version such as "3.12", or (not in a repository's file) a path; empty: the
    newest here that the project says it works with."""
    requirements: tuple[str, ...] | None = None
    """Requirement lines to install instead of what the repository's files say."""
    extras: tuple[str, ...] = ()
    """Extras and dependency groups to install besides those with a usual name (test, dev, ...)."""
    variables: dict[str, str] = {}
    """Environment variables for the tests; `{root}` is the repository's copy."""
    test_paths: tuple[str, ...] | None = None
    """Folders with tests, where pytest's own settings name none."""
    test_arguments: tuple[str, ...] | None = None
    """Options for pytest, such as "--import-mode=importlib"."""
    build: bool | None = None
    """Run the project's own build, in a sandbox; unset: where it makes something that is missing,
    such as compiled extensions."""
    until: str = Field("", pattern=r"^(\d{4}-\d{2}-\d{2})?$")
    """Take no package that was published after this day, such as "2025-06-30"."""


class ModelSettings(_Table):
    """The model that `solve` asks, and what one `solve` may take, all its runs together."""

    name: str = DEFAULT_MODEL
    provider: Provider = "anthropic"
    """Where it is asked: Anthropic, or a cloud platform with a login of its own."""
    base_url: str = ""
    """Another server that speaks the Messages API. One on this machine needs no key."""
    region: str = ""
    """Bedrock's or Vertex's; empty: what the platform's own variables say."""
    project: str = ""
    """Vertex's project; empty: what its own variables say."""
    resource: str = ""
    """Foundry's resource; empty: what its own variable says."""
    prices: str = ""
    """A price list of your own, in the form of `model/prices.toml`; a model that is in none is not
    asked, as its budget could not be kept."""
    effort: Effort | None = None
    """How hard the model thinks at test time; unset: the model's own default."""
    thinking: bool = True
    """Adaptive thinking, for models that have it."""
    max_turns: int = Field(60, ge=1)
    """Replies of the model."""
    budget_tokens: int = Field(1_000_000, ge=0)
    """Tokens read and written, those that the server had cached too."""
    budget_usd: float = Field(2.0, ge=0)
    """US dollars, by the list of prices."""
    budget_s: float = Field(900, gt=0)
    """Wall seconds."""


class Settings(BaseSettings):
    """Everything that can be set. Immutable; made by `load`."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    watch: WatchSettings = WatchSettings()
    sleep: SleepSettings = SleepSettings()
    tests: TestsSettings = TestsSettings()
    solve: SolveSettings = SolveSettings()
    sandbox: SandboxSettings = SandboxSettings()
    environment: EnvironmentSettings = EnvironmentSettings()
    model: ModelSettings = ModelSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # `load` merges the layers itself, to know where each key stands


def load(root: Path | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
    """The settings for the repository at `root`; without one, those of the person alone.

    `flags` maps dotted keys to values; None values are left out. Raises ConfigError.
    """
    layers: list[tuple[str, dict[str, Any]]] = []
    if root is not None:
        for label, table in _files(root):
            for key in FROM_PERSON_ONLY:
                value = _look_up(table, key.split("."))
                harmless = isinstance(value, str) and PYTHON_VERSION.match(value)
                if value is not None and not (key == "environment.python" and harmless):
                    raise ConfigError(
                        f"{label}: {key} may not be set by a repository's file.",
                        f"Set {_variable(key)} instead.",
                    )
            layers.append((label, table))
    own = _environment()
    _refuse_raised(layers, own)
    layers.append(("the environment", own))
    nested: dict[str, Any] = {}
    for key, value in (flags or {}).items():
        if value is not None:
            _put(nested, key.split("."), value)
    layers.append(("a flag", nested))

    merged: dict[str, Any] = {}
    for label, layer in layers:
        _merge(merged, layer, label)
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise _named(error, layers) from None


def _refuse_raised(files: list[tuple[str, dict[str, Any]]], own: dict[str, Any]) -> None:
    """Raises ConfigError where a repository's file raises what may be spent, and the person has
    not said how much it is."""
    for label, table in files:
        for key in ONLY_LOWERED:
            name, _, field = key.partition(".")
            value = _look_up(table, [name, field])
            model = Settings.model_fields[name].annotation
            assert isinstance(model, type) and issubclass(model, BaseModel)
            default = model.model_fields[field].default
            raised = isinstance(value, int | float) and value > default
            if raised and _look_up(own, [name, field]) is None:
                raise ConfigError(
                    f"{label}: {key} may not be raised by a repository's file; "
                    f"{value} is more than {default}.",
                    f"Set {_variable(key)} instead.",
                )


def _files(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, header in (("pyproject.toml", ("tool", "swe-sleep")), ("swe-sleep.toml", ())):
        file = root / name
        if not file.is_file():
            continue
        try:
            content: Any = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            if header:  # a broken pyproject.toml is for the person's own tools to report
                continue
            raise ConfigError(f"{name} cannot be read: {error}.") from error
        table = _look_up(content, header)
        if table is not None and not isinstance(table, dict):
            raise ConfigError(f"{name}: [{'.'.join(header)}] must be a table.")
        if table:
            yield (f"{name} [{'.'.join(header)}]" if header else name), table


def _environment() -> dict[str, Any]:
    source = EnvSettingsSource(
        Settings, env_prefix=ENV_PREFIX, env_nested_delimiter="__", env_ignore_empty=True
    )
    known = {
        _variable(f"{table}.{key}")
        for table, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        for key in field.annotation.model_fields
    }
    for name in os.environ:
        if name.upper().startswith(ENV_PREFIX) and name.upper() not in known:
            raise ConfigError(f"unknown setting {name} in the environment.", _nearest(name, known))
    try:
        return dict(source())
    except Exception as error:  # pydantic-settings wraps a JSON error in a SettingsError
        raise ConfigError(f"a {ENV_PREFIX} variable cannot be read: {error}.") from error


def _variable(key: str) -> str:
    return ENV_PREFIX + key.replace(".", "__").upper()


def _look_up(table: Any, keys: tuple[str, ...] | list[str]) -> Any:
    for key in keys:
        if not isinstance(table, dict):
            return None
        table = table.get(key)
    return table


def _put(table: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        table = table.setdefault(key, {})
    table[keys[-1]] = value


def _merge(into: dict[str, Any], layer: dict[str, Any], label: str) -> None:
    for key, value in layer.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value, label)
        else:
            into[key] = dict(value) if isinstance(value, dict) else value


def _named(error: ValidationError, layers: list[tuple[str, dict[str, Any]]]) -> ConfigError:
    """The first complaint, with the key and the strongest layer that holds it."""
    first = error.errors()[0]
    keys = [str(part) for part in first["loc"]]
    label = next(
        (name for name, layer in reversed(layers) if _look_up(layer, keys[:2]) is not None),
        "the settings",
    )
    key = ".".join(keys)
    if first["type"] == "extra_forbidden":
        return ConfigError(f"{label}: unknown key {key}.", _nearest(key, set(_all_keys())))
    return ConfigError(f"{label}: {key}: {first['msg']} (it is {first['input']!r}).")


def _all_keys() -> Iterator[str]:
    for table, field in Settings.model_fields.items():
        yield table
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{table}.{key}" for key in field.annotation.model_fields)


def _nearest(key: str, known: set[str]) -> str:
    import difflib

    near = difflib.get_close_matches(key.upper() if key.isupper() else key, known, n=1)
    return f"Did you mean {near[0]}?" if near else ""
