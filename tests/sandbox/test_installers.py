"""uv and pip do the same, with wheels that are made here: no network is needed."""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from swe_sleep.errors import EnvironmentFailed
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import installer, sdists
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.installer import Target, Wanted, refusal
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sandbox.protocol import Environment

Make = Callable[[Mapping[str, str]], Snapshot]
pytestmark = pytest.mark.timeout(900)  # a loaded machine starts pip in ten seconds

BACKEND = """
import os, socket, zipfile
def build_wheel(folder, settings, metadata):
    try:
        socket.create_connection(("192.0.2.1", 80), 1)
        raise SystemExit("the network is there")
    except OSError:
        pass
    name = "NAME-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path in FILES:
            wheel.write(path) if os.path.exists(path) else wheel.writestr(path, "made = 7\\n")
        wheel.writestr("NAME-1.0.dist-info/METADATA",
                       "Metadata-Version: 2.1\\nName: NAME\\nVersion: 1.0\\n")
        wheel.writestr("NAME-1.0.dist-info/WHEEL",
                       "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("NAME-1.0.dist-info/RECORD", "")
    return name
"""
BUILD = "[build-system]\nrequires = []\nbuild-backend = 'own'\nbackend-path = ['.']\n"


def backend(name: str, *files: str) -> str:
    return BACKEND.replace("NAME", name).replace("FILES", repr(list(files)))


def wheel(folder: Path, name: str, version: str = "1.0", **extra: str) -> None:
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", f"version = {version!r}\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(
            f"{info}/entry_points.txt", f"[console_scripts]\n{name}-say = {name}:say\n"
        )
        for path, text in extra.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "")


def sdist(folder: Path, name: str, files: Mapping[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-1.0/{path}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where packages are found."""
    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # uv takes over what is pip's
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture(params=["uv", "pip"])
def tool(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def made(
    snapshot: Snapshot, tmp_path: Path, tool: str, said: list[str] | None = None
) -> Environment:
    options = EnvironmentOptions(cache_dir=tmp_path / "cache", installer=tool)
    progress = (said if said is not None else []).append
    return LocalBackend(options).prepare(snapshot, progress=progress)


def run(environment: Environment, code: str) -> str:
    done = subprocess.run(
        [environment.python, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_wheels_and_our_own_tools(
    make_snapshot: Make, tmp_path: Path, wheels: Path, tool: str
) -> None:
    """Without pytest in the index, ours is taken."""
    wheel(wheels, "shelf")
    wheel(wheels, "shelf", "2.0")
    snapshot = make_snapshot({"requirements.txt": "shelf<2\n"})
    environment = made(snapshot, tmp_path, tool)
    assert run(environment, "import shelf, pytest, coverage; print(shelf.version)") == "1.0"
    assert environment.problem == ""
    script = Path(environment.python).with_name("shelf-say")
    assert str(tmp_path / "cache" / ".making") not in script.read_text()
    done = subprocess.run([script], capture_output=True, text=True, check=False)
    assert "has no attribute 'say'" in done.stderr or "cannot import name 'say'" in done.stderr


def test_what_cannot_be_had_is_found_by_halves(
    make_snapshot: Make, tmp_path: Path, wheels: Path
) -> None:
    for name in "abcde":
        wheel(wheels, name)
    lines = "a\nb\nabsent-of-ours\nc\nd\ne<1\n"
    environment = made(make_snapshot({"requirements.txt": lines}), tmp_path, "uv")
    run(environment, "import a, b, c, d, pytest")
    assert environment.problem.startswith("not installed: absent-of-ours, e<1 (")


def test_a_lock_file_decides_where_it_can(
    make_snapshot: Make, tmp_path: Path, wheels: Path
) -> None:
    tool = "uv"
    for version in ("1.0", "1.1", "1.2"):
        wheel(wheels, "shelf", version)
    lock = '[[package]]\nname = "shelf"\nversion = "1.1"\n'
    text = "[project]\nname='shop'\ndependencies=['shelf']\n"
    snapshot = make_snapshot({"pyproject.toml": text, "uv.lock": lock})
    assert run(made(snapshot, tmp_path, tool), "import shelf; print(shelf.version)") == "1.1"
    gone = make_snapshot({"pyproject.toml": text, "uv.lock": lock.replace("1.1", "0.9")})
    assert run(made(gone, tmp_path, tool), "import shelf; print(shelf.version)") == "1.2"


def test_a_package_without_wheels_is_built_in_a_sandbox(
    make_snapshot: Make, tmp_path: Path, wheels: Path, tool: str, sandboxed: None
) -> None:
    """Its build finds neither a network nor the host's files."""
    text = backend("crate", "crate.py").replace(
        "import os", f"import os\nassert not os.path.exists({str(wheels)!r})\nimport os"
    )
    sdist(wheels, "crate", {"pyproject.toml": BUILD, "own.py": text, "crate.py": "full = True\n"})
    wheel(wheels, "shelf")
    said: list[str] = []
    snapshot = make_snapshot({"requirements.txt": "shelf\ncrate>=1\n"})
    environment = made(snapshot, tmp_path, tool, said)
    assert environment.problem == ""
    assert run(environment, "import crate, shelf; print(crate.full)") == "True"
    assert "Building crate 1.0 in a sandbox" in said
    again: list[str] = []
    made(make_snapshot({"requirements.txt": "crate\n"}), tmp_path, tool, again)
    assert not [line for line in again if "Building" in line]


@pytest.fixture
def sandboxed() -> None:
    if not LocalBackend().guarantees().network_off:
        pytest.skip("no sandbox without network can be made here")


def test_what_the_projects_build_makes_is_in_the_copy(
    make_snapshot: Make, tmp_path: Path, wheels: Path, sandboxed: None
) -> None:
    text = BUILD + "[project]\nname='shop'\n[tool.setuptools_scm]\nversion_file='src/shop/_v.py'\n"
    files = {
        "pyproject.toml": text,
        "own.py": backend("shop", "shop/__init__.py", "shop/_v.py").replace(
            "wheel.write(path) if os.path.exists(path)",
            "wheel.write('src/' + path, path) if os.path.exists('src/' + path)",
        ),
        "src/shop/__init__.py": "from shop._v import made\n",
    }
    snapshot = make_snapshot(files)
    options = EnvironmentOptions(cache_dir=tmp_path / "cache")
    local = LocalBackend(options)
    environment = local.prepare(snapshot, progress=lambda line: None)
    assert (environment.problem, list(environment.generated)) == ("", ["src/shop/_v.py"])
    with local.open(snapshot, environment) as sandbox:
        code = "import shop, importlib.metadata as m; print(shop.made, m.version('shop'))"
        done = sandbox.run([environment.python, "-c", code], timeout_s=60)
        assert done.stdout == "7 1.0\n", done.stderr
        sandbox.put({"src/shop/_v.py": b"made = 8\n", "new.txt": b""})
        assert list(sandbox.changes()) == ["new.txt"]
        sandbox.reset()
        assert sandbox.get("src/shop/_v.py") == b"made = 7\n"
    unchanged = local.prepare(make_snapshot({**files, "README": "x"}), progress=lambda line: None)
    assert unchanged.key == environment.key
    off = LocalBackend(EnvironmentOptions(cache_dir=tmp_path / "cache", build=False))
    assert not off.prepare(snapshot, progress=lambda line: None).generated


def test_a_build_that_fails_is_said(
    make_snapshot: Make, tmp_path: Path, wheels: Path, sandboxed: None
) -> None:
    text = BUILD + "[project]\nname='shop'\n[tool.setuptools_scm]\nversion_file='_v.py'\n"
    own = "def build_wheel(*a):\n    raise ValueError('no compiler')\n"
    environment = made(make_snapshot({"pyproject.toml": text, "own.py": own}), tmp_path, "uv")
    assert "not built: a version file (_v.py) (ValueError: no compiler)" in environment.problem
    run(environment, "import pytest")


def test_a_folder_for_an_interpreter_that_is_not_here(
    tmp_path: Path, wheels: Path, tool: str
) -> None:
    wheel(wheels, "shelf")
    target = Target(folder=tmp_path / "packages", version="3.12", platform="x86_64-manylinux_2_28")
    assert installer.find(tool).install(Wanted(["shelf"]), target) is None
    assert (tmp_path / "packages" / "shelf.py").is_file()


def test_where_an_installer_looks(wheels: Path, tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    places = installer.find(tool).places()
    assert places[-1] == "https://index.example/simple"
    assert str(wheels) in places[0]


def test_pip_where_uv_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> str:
        raise FileNotFoundError("uv")

    monkeypatch.setattr(installer, "_uv", absent)
    assert installer.find().name == "pip"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentFailed):
        installer.find()


def test_the_pip_that_python_carries(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pip" else real(name)
    )
    program, version = installer._pip()
    assert program[0] == sys.executable
    assert ".whl/pip" in program[1] and version > (9,)


@pytest.mark.parametrize(
    ("said", "names", "unreachable"),
    [
        (
            "Because only docopt==0.6.2 is available and docopt==0.6.2 has no usable wheels",
            ("docopt",),
            False,
        ),
        (
            "  ╰─▶ Because all versions of docopt have no\n      usable wheels and you",
            ("docopt",),
            False,
        ),
        ("ERROR: No matching distribution found for docopt<1", ("docopt",), False),
        ("error: Failed to fetch: `https://h/x`\n Caused by: dns error", (), True),
        ("", (), False),
    ],
)
def test_what_an_installers_words_mean(
    said: str, names: tuple[str, ...], unreachable: bool
) -> None:
    refused = refusal(said)
    assert (refused.without_wheels, refused.unreachable) == (names, unreachable)
    assert refused.why


def test_an_archive_is_read_and_not_unpacked() -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name in ("p-1/a.py", "p-1/../../evil", "/etc/x", "p-1/sub/run", "p-1"):
            member = tarfile.TarInfo(name)
            member.size, member.mode = 1, 0o755 if name.endswith("run") else 0o644
            tar.addfile(member, io.BytesIO(b"x"))
        link = tarfile.TarInfo("p-1/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    snapshot = sdists.unpacked(content.getvalue(), "p-1.tar.gz")
    assert sorted(snapshot.files) == ["a.py", "etc/x", "sub/run"]
    assert snapshot.files["sub/run"].mode & 0o100
    with pytest.raises(EnvironmentFailed):
        sdists.unpacked(b"not a tar", "p-1.tar.gz")
