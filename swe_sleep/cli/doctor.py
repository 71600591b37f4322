"""`swe-sleep doctor`: what is here, and what each missing part costs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from swe_sleep.cli import output
from swe_sleep.errors import RepositoryError, SweSleepError

LEAST_FREE_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `needed` ones make the command exit with 1 when missing."""

    name: str
    ok: bool
    says: str
    needed: bool = False


def doctor(as_json: output.Json = False) -> None:
    """Say what is here (git, sandboxes, a key), and what is missing.

    Inside a repository also what its tests would run in. Changes nothing. A line that begins with
    -- names something missing, and what that costs; exits with 1 only where nothing works without
    it.

    \b
    swe-sleep doctor
    swe-sleep doctor --json
    """
    findings = list(_findings())
    if as_json:
        output.print_json([asdict(each) for each in findings])
    else:
        console = output.console()
        for each in findings:
            mark, style = ("ok", "green") if each.ok else ("--", "red" if each.needed else "yellow")
            console.print(f"{mark}  ", style=style, end="")
            console.print(f"{each.name:<12} {each.says}")
    if any(each.needed and not each.ok for each in findings):
        raise typer.Exit(1)


def _findings() -> Iterator[Finding]:
    version = sys.version.split()[0]
    yield Finding("python", sys.version_info >= (3, 11), version, needed=True)
    yield _git()
    yield _attempt("docker", _docker, "sandboxes are local ones; start an engine to use containers")
    yield _attempt("local", _local, "no local sandbox can be made")
    yield _attempt("grammars", _grammars, "files of these languages have no outline", needed=True)
    yield _attempt("settings", _settings, "most commands refuse to run", needed=True)
    yield _key()
    yield _attempt("asking", _asking, "passes ask no model")
    yield _free_space()
    yield from _watches()
    yield _attempt("repository", _repository, "not inside a repository", needed=False)
    yield from _environment()


def _attempt(name: str, look: Callable[[], str], missing: str, *, needed: bool = False) -> Finding:
    try:
        return Finding(name, True, look(), needed)
    except SweSleepError as error:
        return Finding(name, False, f"{error} ({missing})", needed)


def _git() -> Finding:
    path = shutil.which("git")
    if path is None:
        return Finding("git", False, "not found; nothing works without it", needed=True)
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return Finding("git", done.returncode == 0, done.stdout.strip() or done.stderr.strip(), True)


def _docker() -> str:
    from swe_sleep.sandbox.choose import choose

    return choose("docker").guarantees().text


def _local() -> str:
    from swe_sleep.sandbox.choose import choose

    return choose("local").guarantees().text


def _grammars() -> str:
    from swe_sleep.index.languages import LANGUAGES
    from swe_sleep.index.outline import outline

    broken = [name for name in LANGUAGES if outline(b"", name).problem]
    if broken:
        raise SweSleepError(", ".join(broken))
    return ", ".join(LANGUAGES)


def _settings() -> str:
    from swe_sleep.config import load
    from swe_sleep.repo.repository import Repository

    try:
        with Repository.open(output.here()) as repository:
            root = repository.root
    except SweSleepError:  # said under "repository"
        load()
        return "the environment's can be read"
    load(root)
    return "the repository's and the environment's can be read"


def _key() -> Finding:
    from swe_sleep.wiring.asking import KEYS

    name = next((name for name in KEYS if os.environ.get(name)), None)
    if name:
        return Finding("key", True, f"{name} is set; Claude can be asked")
    provider = os.environ.get("SWE_SLEEP_MODEL__PROVIDER", "anthropic")
    if provider != "anthropic":
        return Finding("key", True, f"Claude is asked through {provider}, with its own login")
    text = "none; everything works but the agent: patches come from the built-in search"
    return Finding("key", False, f"{text}. Set {KEYS[0]} to use it")


def _asking() -> str:
    """Whether passes may ask a model, and how far they may go."""
    from swe_sleep.config import load
    from swe_sleep.repo.repository import Repository
    from swe_sleep.wiring.asking import can_ask, price_list

    try:
        with Repository.open(output.here()) as repository:
            settings = load(repository.root)
    except SweSleepError:  # said under "repository" or "settings"
        settings = load()
    wanted, name = settings.sleep, settings.sleep.model or settings.model.name
    if not wanted.ask_model:
        return "passes ask no model: sleep.ask_model is off"
    if not can_ask(settings):
        return "passes ask no model, as there is no key"
    if price_list(settings, name).of(name, 1) is None:
        raise SweSleepError(f"the price of {name} is not known, so no limit could be kept")
    how = "in message batches, at half the price, what nobody waits for"
    direct = not wanted.batch or settings.model.provider != "anthropic"
    return (
        f"passes may ask {name}, {'directly' if direct else how}: at most "
        f"${wanted.budget_usd_day:.2f} a day, ${wanted.budget_usd:.2f} a pass, "
        f"${wanted.budget_usd_note:.2f} a note and {wanted.budget_tokens:,} tokens a pass"
    )


def _free_space() -> Finding:
    free = shutil.disk_usage(output.here()).free
    return Finding("disk", free > LEAST_FREE_BYTES, f"{free / 1e9:.1f} GB free here")


def _watches() -> Iterator[Finding]:
    limit = Path("/proc/sys/fs/inotify/max_user_watches")
    if limit.is_file():
        number = int(limit.read_text())
        yield Finding(
            "watches", number >= 8192, f"{number} folders can be watched; beyond, it looks around"
        )


def _environment() -> Iterator[Finding]:
    """What the tests would run in, from the files alone; and how it went, where a note says so."""
    from swe_sleep.cli import wiring
    from swe_sleep.notes import kinds

    try:
        with wiring.reading() as known:
            says = wiring.environment(known)
            seen = known.view.get(kinds.ENVIRONMENT, "")
    except SweSleepError as error:
        if not isinstance(error, RepositoryError):
            yield Finding("environment", False, str(error))
        return
    if seen is None:
        yield Finding("environment", True, f"{says}; not made yet")
        return
    data = seen.data(kinds.EnvironmentData)
    made = "" if seen.fresh else " before the last change"
    said = f"{says}; {data.collected} tests collected{made}"
    problem = data.problem or ", ".join(data.errors)
    yield Finding("environment", not problem, said + (f"; {problem}" if problem else ""))


def _repository() -> str:
    from swe_sleep.cli import wiring

    with wiring.reading() as known:
        return f"{output.shown(known.repository.root)}, {len(known.snapshot.files)} files"
