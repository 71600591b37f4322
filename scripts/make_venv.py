"""Makes .venv with the locked development environment and the project itself, editable.

Called by `scripts/setup`. Needs nothing but the standard library and one of: uv, ensurepip, pip,
virtualenv, or Debian's apt as root. A stamp in .venv says what it was made from: a second call with
nothing changed returns at once, and one after an interrupted call begins again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "made-from"
LOCK = ROOT / "requirements-dev.lock"


Words = list[str | Path]


class Failed(Exception):
    pass


def main() -> int:
    made_from = fingerprint()
    if STAMP.is_file() and STAMP.read_text() == made_from and python().exists():
        return 0
    try:
        import fcntl

        name = hashlib.sha256(str(ROOT).encode()).hexdigest()[:16]
        with (Path(tempfile.gettempdir()) / f"swe-sleep-setup-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two calls at once: the second finds it made
            if not (STAMP.is_file() and STAMP.read_text() == made_from):
                make()
                STAMP.write_text(made_from)
    except Failed as failure:
        print(f"setup: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; run it again to go on", file=sys.stderr)
        return 130
    return 0


def fingerprint() -> str:
    digest = hashlib.sha256(sys.version.encode())
    digest.update(os.path.realpath(sys.executable).encode())
    for file in (LOCK, ROOT / "pyproject.toml"):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def python() -> Path:
    return VENV / "bin" / "python"


def make() -> None:
    STAMP.unlink(missing_ok=True)
    uv = shutil.which("uv")
    say("Making .venv")
    if uv:
        make_with_uv(uv)
    else:
        pip = make_with_pip()
        # uv, which is in the lock, does the rest several times as fast. It does not read pip's
        # settings, so where an index is only named there pip does it.
        bootstrap = VENV / "uv.lock"
        bootstrap.write_text(locked("uv"))
        uv = str(VENV / "bin" / "uv")
        if succeeds([*pip, "install", "--require-hashes", "--no-deps", "-r", bootstrap]):
            try:
                make_with_uv(uv)
                return
            except Failed:
                say("uv could not do it: pip does")
        say("Installing the locked packages")
        run([*pip, "install", "--quiet", "--require-hashes", "-r", LOCK])
        run([*pip, "install", "--quiet", "--no-deps", "--no-build-isolation", "-e", ROOT])


def locked(name: str) -> str:
    """One package's lines of the lock file."""
    lines: list[str] = []
    for line in LOCK.read_text().splitlines():
        if lines and not line.startswith((" ", "#")):
            break
        if lines or line.startswith(f"{name}=="):
            lines.append(line)
    return "\n".join(lines) + "\n"


def make_with_uv(uv: str) -> None:
    if not works():
        run([uv, "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, VENV])
    say("Installing the locked packages")
    install: Words = [uv, "pip", "install", "--quiet", "--python", python()]
    run([*install, "--require-hashes", "-r", LOCK])
    run([*install, "--no-deps", "--no-build-isolation", "-e", ROOT])


def make_with_pip() -> Words:
    """Make .venv without uv; the words that call a pip that works on it."""
    own: Words = [python(), "-m", "pip", "--disable-pip-version-check"]
    if works() and succeeds([*own, "--version"]):
        return own
    shutil.rmtree(VENV, ignore_errors=True)
    if has("ensurepip") and succeeds([sys.executable, "-m", "venv", VENV]):
        return own
    # Debian leaves ensurepip out of its Python.
    if has("pip") and succeeds([sys.executable, "-m", "venv", "--clear", "--without-pip", VENV]):
        other: Words = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        other += ["--python", python()]
        if succeeds([*other, "--version"]):
            return other
    if has("virtualenv") and succeeds([sys.executable, "-m", "virtualenv", "-q", VENV]):
        return own
    if shutil.which("virtualenv") and succeeds(["virtualenv", "-q", "-p", sys.executable, VENV]):
        return own
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("Installing python3-venv with apt-get")
        quiet = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
        install = [*quiet, "install", "-y", "--no-install-recommends", "python3-venv"]
        if not succeeds(install):
            succeeds([*quiet, "update"])
            succeeds(install)
        shutil.rmtree(VENV, ignore_errors=True)
        if succeeds([sys.executable, "-m", "venv", VENV]):
            return own
    raise Failed(
        f"{sys.executable} can't make a virtual environment. Install uv, or on Debian and Ubuntu: "
        "sudo apt-get install python3-venv"
    )


def works() -> bool:
    """Whether .venv is there and belongs to the Python that runs this."""
    ask = "import sys; print(sys.version)"
    if not python().exists():
        return False
    done = subprocess.run([python(), "-c", ask], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == sys.version.strip()


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def succeeds(argv: Sequence[str | Path]) -> bool:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, env=env, check=False)
    return done.returncode == 0


def run(argv: Sequence[str | Path]) -> None:
    if subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode:
        raise Failed(f"failed: {' '.join(map(str, argv))}")


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
