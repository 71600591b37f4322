"""What a repository says it needs is read, never run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.project.project import Project, read_project

Make = Callable[[Mapping[str, str]], Snapshot]


def groups(project: Project) -> dict[str, tuple[str, ...]]:
    return {group.name: group.requirements for group in project.groups}


def test_pyproject(make_snapshot: Make) -> None:
    text = """
        [project]
        name = "shop"
        version = "1.2"
        dependencies = ["click>=8", "attrs ; python_version<'4'"]
        optional-dependencies = {tests = ["shop[extra]", "hypothesis"], extra = ["yarl"]}
        scripts = {shop = "shop.cli:main", "../evil" = "a:b", bad = "a;b:c"}
        [project.entry-points.pytest11]
        shop = "shop.plugin"
        [dependency-groups]
        test = ["pytest-cov", {include-group = "base"}]
        base = ["tomli", {include-group = "test"}]
        """
    project = read_project(make_snapshot({"pyproject.toml": text, "src/shop/__init__.py": ""}))
    assert groups(project) == {
        "the project": ("click>=8", "attrs ; python_version<'4'"),
        "test": ("pytest-cov", "tomli"),
        "tests": ("yarl", "hypothesis"),
    }
    assert (project.name, project.version) == ("shop", "1.2")
    assert project.entry_points == (
        ("pytest11", "shop", "shop.plugin"),
        ("console_scripts", "shop", "shop.cli:main"),
    )
    assert project.python_path == ("src", ".")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ('"^1.2"', "name>=1.2,<2"),
        ('"^0.3.1"', "name>=0.3.1,<0.4"),
        ('"~1.2"', "name==1.2.*"),
        ('"*"', "name"),
        ('{version = ">=2,<3"}', "name>=2,<3"),
        ('"1.0"', "name==1.0"),
    ],
)
def test_poetry(make_snapshot: Make, said: str, meant: str) -> None:
    text = f'[tool.poetry]\nname="p"\n[tool.poetry.dependencies]\npython="^3.9"\nname={said}\n'
    assert groups(read_project(make_snapshot({"pyproject.toml": text}))) == {
        "the project": (meant,)
    }


def test_setup_cfg_and_setup_py(make_snapshot: Make) -> None:
    cfg = """\
[metadata]
name = shop
[options]
install_requires =
    click
[options.extras_require]
dev =
    mock
[options.packages.find]
where = lib
"""
    program = """
raise SystemExit("never run")
from setuptools import setup
NEEDS = ["attrs", *more]
setup(install_requires=NEEDS, extras_require={"test": "yarl", "x": f()}, version=read())
"""
    files = {"setup.cfg": cfg, "setup.py": program, "lib/shop/__init__.py": ""}
    project = read_project(make_snapshot(files))
    assert groups(project) == {
        "the project": ("click", "attrs"),
        "test": ("yarl",),
        "dev": ("mock",),
    }
    assert project.python_path == ("lib", ".")


def test_requirements_files(make_snapshot: Make) -> None:
    project = read_project(
        make_snapshot(
            {
                "requirements.txt": "click==8.1 --hash=sha256:00\n# note\n-e .\n--index-url x\n",
                "requirements/tests.txt": "-r base.txt\nyarl # why\ngit+https://h/x\n./local\n",
                "requirements/base.txt": "attrs>=1, \\\n <30\n-r tests.txt\n-r ../../etc/passwd\n",
            }
        )
    )
    assert groups(project)["the project"] == ("click==8.1",)
    listed = [line.replace(" ", "") for line in groups(project)["requirements/tests.txt"]]
    assert listed == ["attrs>=1,<30", "yarl"]
    assert project.left_out == ("git+https://h/x", "./local")


@pytest.mark.parametrize("line", ["-x", "--pre", "a @ file:///etc", "a\tb c", "name; os;x", "/abs"])
def test_nothing_reaches_the_installer_but_names_and_versions(
    make_snapshot: Make, line: str
) -> None:
    project = read_project(make_snapshot({}), requirements=[line, "good"])
    assert groups(project) == {"requirements": ("good",)}


@pytest.mark.parametrize("path", ["pyproject.toml", "setup.cfg", "setup.py"])
@pytest.mark.parametrize("text", ["\0", "[[[", "x = (", "[project]\ndependencies = 3\nname = []\n"])
def test_broken_files_are_as_good_as_none(make_snapshot: Make, path: str, text: str) -> None:
    assert read_project(make_snapshot({path: text})).groups == ()
