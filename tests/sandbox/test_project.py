"""What tox, nox, CI, hatch and lock files say of the tests is read, never run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.project.project import Project, read_project

Make = Callable[[Mapping[str, str]], Snapshot]


def groups(project: Project) -> dict[str, tuple[str, ...]]:
    return {group.name: group.requirements for group in project.groups}


def test_tox_ini(make_snapshot: Make) -> None:
    ini = """
[tox]
envlist = lint, py3{8,10}-{test,min}, py313, pypy3
[wanted]
deps =
    mock
    yarl>=1  # why
[testenv]
changedir = {toxinidir}
extras = fast
dependency_groups = more
deps =
    {[wanted]deps}
    -r requirements/x.txt
    lint: ruff
    py38: backport
    -e .[own]
setenv =
    SHOP_DATA = {toxinidir}/data
    SHOP_SECRET = {env:SECRET}
    PYTHONPATH = evil
    PYTEST_ADDOPTS = -x
commands =
    python -m pip list
    lint: ruff check
    pytest -n 4 -p no:cacheprovider --cov=shop -k "not slow" {posargs:{toxinidir}/tests/unit}
[testenv:docs]
deps = sphinx
commands = sphinx-build
"""
    pyproject = """
[project]
name = "shop"
optional-dependencies = {fast = ["orjson"], own = ["toolz"], unused = ["torch"]}
[dependency-groups]
more = ["hypothesis"]
"""
    files = {
        "tox.ini": ini,
        "pyproject.toml": pyproject,
        "requirements/x.txt": "attrs\n",
        "tests/unit/test_a.py": "",
    }
    project = read_project(make_snapshot(files))
    assert groups(project) == {
        "fast": ("orjson",),
        "more": ("hypothesis",),
        "own": ("toolz",),
        "tox.ini": ("mock", "yarl>=1", "attrs", "backport ; python_version == '3.8'"),
    }
    assert (project.command, project.test_paths) == ("tox.ini", ("tests/unit",))
    assert project.options == ("-p", "no:cacheprovider", "-k", "not slow")
    assert project.variables == {"SHOP_DATA": "{root}/data"}
    assert sorted(project.pythons) == ["3.10", "3.13", "3.8"]
    assert project.read["tox.ini"] and project.read["noxfile.py"] == ""


def test_an_environment_named_for_the_tests(make_snapshot: Make) -> None:
    ini = "[testenv]\ncommands = ruff\n[testenv:mypy]\ncommands = pytest -k mypy\n"
    ini += "[testenv:{tests,py312}]\nchangedir = sub\ncommands = python -m pytest\n"
    project = read_project(make_snapshot({"tox.ini": ini, "sub/test_a.py": ""}))
    assert (project.test_paths, project.options) == (("sub",), ())
    assert list(project.pythons) == ["3.12"]


def test_tox_in_toml(make_snapshot: Make) -> None:
    text = """
[tool.tox]
env_list = ["py3.12", "py3.11", "style"]
[tool.tox.env_run_base]
dependency_groups = ["tests"]
set_env = {SHOP = "1"}
commands = [["pytest", "--import-mode=importlib",
             {replace = "posargs", default = ["tests"], extend = true}]]
[dependency-groups]
tests = ["trio"]
"""
    project = read_project(make_snapshot({"pyproject.toml": text, "tests/test_a.py": ""}))
    assert groups(project) == {"tests": ("trio",)}
    assert project.options == ("--import-mode=importlib",)
    assert (project.test_paths, dict(project.variables)) == (("tests",), {"SHOP": "1"})


def test_noxfile(make_snapshot: Make) -> None:
    program = """
raise SystemExit("never run")
import nox
VERSIONS = ["3.9", "3.12"]
@nox.session(python=[*VERSIONS, "3.14t", "pypy3.10"])
def tests(session):
    session.install("-r", "requirements/ci.txt", f"x{1}", "yarl")
    session.install("-e", ".[fast]", *nox.project.dependency_groups(PYPROJECT, "more"))
    session.run("pytest", "-m", "not network", "tests", *session.posargs, env={"SHOP": "1"})
@nox.session
def docs(session):
    session.install("sphinx")
"""
    files = {"noxfile.py": program, "requirements/ci.txt": "attrs\n", "tests/test_a.py": ""}
    extras = '[project]\nname="shop"\noptional-dependencies = {fast = ["orjson"], more = ["six"]}\n'
    project = read_project(make_snapshot({**files, "pyproject.toml": extras}))
    assert groups(project) == {
        "fast": ("orjson",),
        "more": ("six",),
        "noxfile.py": ("attrs", "yarl"),
    }
    assert (project.test_paths, project.options) == (("tests",), ("-m", "not network"))
    assert (sorted(project.pythons), dict(project.variables)) == (["3.12", "3.9"], {"SHOP": "1"})


WORKFLOW = """
name: Tests
jobs:
  docs:
    steps:
      - uses: actions/setup-python@v5
        with: {python-version: '3.6'}
      - run: pip install sphinx
  test:
    strategy:
      matrix:
        python-version: ["3.9", '3.13', "3.15-dev", 3.14t, pypy-3.10]
        include:
          - {name: Old, python: '3.8', os: x}
    steps:
      - run: python -m pip install --upgrade pip tox yarl "attrs>=20"
      - name: Run
        run: |
          pip install -e .[fast] -r requirements-x.txt
          # pip install torch
          PYTHONPATH=. python -m pytest -W error tests/unit --cov && codecov
"""


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".gitlab-ci.yml"])
def test_workflows(make_snapshot: Make, path: str) -> None:
    extras = '[project]\nname="shop"\noptional-dependencies = {fast = ["orjson"]}\n'
    files = {path: WORKFLOW, "pyproject.toml": extras, "requirements-x.txt": "mock\n"}
    project = read_project(make_snapshot({**files, "tests/unit/test_a.py": ""}))
    assert groups(project) == {"fast": ("orjson",), path: ("yarl", "attrs>=20", "mock")}
    assert sorted(project.pythons) == ["3.13", "3.8", "3.9"]
    assert (project.command, project.test_paths, project.options) == (path, ("tests/unit",), ())


def test_what_tox_says_goes_before_what_ci_says(make_snapshot: Make) -> None:
    tox = "[testenv]\ncommands = pytest\ndeps = mock\n"
    files = {"tox.ini": tox, ".github/workflows/ci.yml": WORKFLOW}
    project = read_project(make_snapshot(files))
    assert groups(project) == {"tox.ini": ("mock",)}
    assert "3.13" in project.pythons


def test_hatch(make_snapshot: Make) -> None:
    text = """
[project]
name = "shop"
optional-dependencies = {fast = ["orjson"]}
[tool.hatch.envs.test]
dependencies = ["mock"]
features = ["fast"]
matrix = [{python = ["3.11", "3.12"]}]
scripts = {run = "pytest {args:tests}"}
"""
    project = read_project(make_snapshot({"pyproject.toml": text, "tests/test_a.py": ""}))
    assert groups(project) == {"fast": ("orjson",), "hatch": ("mock",)}
    assert (project.test_paths, sorted(project.pythons)) == (("tests",), ["3.11", "3.12"])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("uv.lock", '[[package]]\nname = "%s"\nversion = "%s"\nsource = { registry = "x" }\n'),
        ("poetry.lock", '[[package]]\nname = "%s"\nversion = "%s"\ngroups = ["main"]\n'),
        ("pdm.lock", '[[package]]\nname = "%s"\nversion = "%s"\n'),
    ],
)
def test_lock_files(make_snapshot: Make, path: str, text: str) -> None:
    pairs = [("Attrs", "24.1"), ("click", "8.0"), ("click", "8.1"), ("evil; x", "1")]
    locked = "".join(text % pair for pair in pairs)
    locked += '[[package]]\nname = "shop"\nversion = "1"\nsource = { editable = "." }\n'
    name = '[project]\nname="shop"\n'
    project = read_project(make_snapshot({path: locked, "pyproject.toml": name}))
    assert (project.lock, project.constraints) == (path, ("attrs==24.1",))


def test_pipfile(make_snapshot: Make) -> None:
    lock = '{"default": {"attrs": {"version": "==24.1"}}, "develop": {"mock": {}}}'
    text = '[packages]\nattrs = "*"\n[dev-packages]\nmock = {version = ">=5"}\n'
    project = read_project(make_snapshot({"Pipfile": text, "Pipfile.lock": lock}))
    assert groups(project) == {"the project": ("attrs",), "dev": ("mock>=5",)}
    assert project.constraints == ("attrs==24.1",)


@pytest.mark.parametrize(
    ("files", "makes"),
    [
        ({"pyproject.toml": '[tool.setuptools_scm]\nversion_file = "shop/_v.py"\n'}, "_v.py"),
        ({"pyproject.toml": "[tool.hatch.build.hooks.vcs]\nversion-file='shop/_v.py'\n"}, "_v.py"),
        ({"pyproject.toml": "[build-system]\nbuild-backend='mesonpy'\n"}, "mesonpy"),
        ({"setup.py": "setup(ext_modules=[Extension('a', ['a.c'])])"}, "compiled"),
        ({"setup.py": "setup(**kwargs)\nx = cythonize('a.pyx')"}, "compiled"),
        ({"setup.py": "setup(ext_modules=[])"}, ""),
        ({"pyproject.toml": "[tool.setuptools_scm]\n"}, ""),
    ],
)
def test_what_has_to_be_built(make_snapshot: Make, files: dict[str, str], makes: str) -> None:
    build = read_project(make_snapshot({**files, "a.c": "", "shop/__init__.py": ""})).build
    assert (build.makes if build else "").find(makes) >= 0
    assert bool(build) == bool(makes)
    assert build is None or "a.c" in build.inputs
    committed = {**files, "shop/_v.py": "version = 1"}
    if "_v.py" in makes:
        assert read_project(make_snapshot(committed)).build is None
    assert read_project(make_snapshot(files), build=False).build is None


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"shop/__init__.py": "__version__ = '1.2.3'\n"}, "1.2.3"),
        ({"src/shop/__about__.py": '__version__: str = "2.0.dev1"\n'}, "2.0.dev1"),
        ({"CHANGES.md": "# Changes\n\n## 3.4 (2025-01-01)\n\n## 3.3\n"}, "3.4"),
        ({"uv.lock": '[[package]]\nname = "shop"\nversion = "5.6"\n'}, "5.6"),
        ({}, ""),
    ],
)
def test_the_version_where_git_would_be_asked(
    make_snapshot: Make, files: dict[str, str], version: str
) -> None:
    text = "[project]\nname='shop'\ndynamic=['version']\n"
    assert read_project(make_snapshot({"pyproject.toml": text, **files})).version == version


@pytest.mark.parametrize("path", ["tox.ini", "tox.toml", "noxfile.py", "uv.lock", "Pipfile.lock"])
@pytest.mark.parametrize("text", ["\0", "[[[", "x = (", "[tox]\nenvlist = py{{{\n[testenv]\n"])
def test_broken_files_are_as_good_as_none(make_snapshot: Make, path: str, text: str) -> None:
    project = read_project(make_snapshot({path: text}))
    assert (project.groups, project.command, project.constraints) == ((), "", ())


def test_nothing_leaves_the_repository(make_snapshot: Make) -> None:
    tox = "[testenv]\nchangedir = ../..\ndeps = -r/etc/passwd\n  -r ../x.txt\n  git+https://h/x\n"
    tox += "commands = pytest ../../etc --ignore=/etc -p evil --rootdir=/ -c /etc/x /etc\n"
    project = read_project(make_snapshot({"tox.ini": tox, "tests/test_a.py": ""}))
    assert (project.groups, project.test_paths, project.options) == ((), (), ())
