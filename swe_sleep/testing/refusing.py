"""What a patch may not touch, whoever made it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from swe_sleep.records import file_of
from swe_sleep.testing.discovery import is_test_path

SET_UP = (
    "pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "noxfile.py", "pytest.ini",
    ".pytest.ini", "pytest.toml", "MANIFEST.in", "requirements*.txt", "requirements*.in",
    "constraints*.txt", "Pipfile", "Pipfile.lock", "poetry.lock", "uv.lock", "pdm.lock",
    "environment.yml", "environment.yaml", "Makefile", "GNUmakefile", "Dockerfile",
    "Dockerfile.*", "*.dockerfile", "docker-compose*.yml", "docker-compose*.yaml", "compose.yaml",
    ".dockerignore", ".pre-commit-config.yaml", ".travis.yml", ".gitlab-ci*", "appveyor.yml",
    ".appveyor.yml", "azure-pipelines.yml", "Jenkinsfile", ".coveragerc", ".readthedocs.y*ml",
    "readthedocs.yml", "swe-sleep.toml", "sitecustomize.py", "usercustomize.py",
)  # fmt: skip
SET_UP_FOLDERS = (
    ".github", ".gitlab", ".circleci", ".buildkite", ".azure-pipelines", "requirements"
)  # fmt: skip
ABOUT_SET_UP = re.compile(
    r"\b(?:packag(?:e|ing) (?:metadata|data|fails|build|is missing)|sdist|wheels?\b|setuptools"
    r"|pip install fails|build(?:ing)? (?:backend|the package)|py\.typed|entry[ _-]?points?"
    r"|console[ _-]?scripts?|install(?:s|ed|ing|ation)? (?:fails?|from source|requirement|dep)"
    r"|python_requires|dependency (?:on|pin|version|range)|pin(?:ned|s)? (?:to|the)|classifiers?"
    r"|continuous integration|\bCI\b|github actions?|workflow file|docker ?(?:file|image|build))",
    re.I,
)
"""Words of an issue about packaging or CI."""


def refusal(
    files: Mapping[str, bytes | None],
    present: Collection[str],
    reproducing: Sequence[str],
    added: Iterable[str] = (),
    *,
    issue: str | None = None,
) -> str:
    """Why these files can not be a patch, or "". `present` are the paths that there are. With an
    `issue`, files of packaging and CI are refused unless its text asks for them."""
    if not files:
        return "the patch changes nothing"
    added = set(added)
    own = {file_of(test_id) for test_id in reproducing} | added
    for path in sorted(files):
        parts = path.split("/")
        if outside(path):
            return f"the patch writes outside the repository: {path}"
        if any(part.lower() == ".git" for part in parts):
            return f"the patch writes into git's own folder: {path}"
        if path in own:
            return f"the patch changes a reproducing test's file: {path}"
        if parts[-1] == "conftest.py" and any(
            file.startswith(path.removesuffix("conftest.py")) for file in own
        ):
            return f"the patch changes what a reproducing test is set up with: {path}"
        if path in present and _serves(path, own - added):
            return f"the patch changes what a reproducing test is given: {path}"
        if issue is not None and is_set_up(path) and not asks_for(issue, path):
            return f"the patch changes {path}, which the issue does not ask for"
    return ""


def outside(path: str) -> bool:
    """Whether a path does not stay in the repository."""
    parts = path.split("/")
    return not all(parts) or not {".", ".."}.isdisjoint(parts)


def _serves(path: str, own: Iterable[str]) -> bool:
    """Whether a file may be data, or help, of a given test: it lies with it among the tests and
    is no test itself."""
    name = path.rpartition("/")[2]
    if name.startswith("test_") or name.endswith("_test.py") or name == "__init__.py":
        return False
    for test in own:
        folder = test.rpartition("/")[0]
        if folder and is_test_path(f"{folder}/x") and path.startswith(f"{folder}/"):
            return True
    return False


def is_set_up(path: str) -> bool:
    """Whether a file says how the project is packaged, set up, checked, or its tests run."""
    folder, _, name = path.rpartition("/")
    if path.split("/")[0] in SET_UP_FOLDERS and folder:
        return True
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in SET_UP)


def asks_for(issue: str, path: str) -> bool:
    """Whether an issue's text names the file, or is about packaging or CI."""
    name = path.rpartition("/")[2]
    named = rf"(?<![\w/-]){re.escape(name)}(?![\w-])"
    whole = "/" in path and path in issue
    return whole or bool(re.search(named, issue)) or bool(ABOUT_SET_UP.search(issue))
