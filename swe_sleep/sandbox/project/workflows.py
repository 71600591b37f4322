"""CI workflow files (GitHub Actions, GitLab): the Python versions of the jobs that run tests, and
the lines of shell in them. They are read by their lines: no more of YAML is needed, and a file
that is not quite YAML is read as well."""

from __future__ import annotations

import re
from collections.abc import Iterator

from swe_sleep.sandbox.project.commands import read_command, words_of
from swe_sleep.sandbox.project.found import Command, Files, Found, versions_in

_FILES = re.compile(r"\.github/workflows/[^/]+\.ya?ml\Z|\.gitlab-ci\.ya?ml\Z")
_RUNS_TESTS = re.compile(r"\b(?:pytest|py\.test|unittest|tox|nox)\b")
_PYTHON_KEY = re.compile(r"^\s*-?\s*[\"']?(?:python|py|PYTHON)[-_\w]*[\"']?\s*:(.*)$")
_LINE = re.compile(r"^\s*(?:-\s+)?(?:(?:run|script|before_script|command)\s*:\s*)?(.*?)\s*$")


def read(files: Files, found: Found, *, deps: bool) -> None:
    """`deps`: also take what the jobs install and run; another tool's settings say it better."""
    for path in sorted(path for path in files if _FILES.match(path)):
        for job in _jobs(files.text(path)):
            if _RUNS_TESTS.search(job):
                found.claim(_versions(job), path)
                if deps:
                    _read_job(job, path, files, found)


def _jobs(text: str) -> Iterator[str]:
    """The jobs, each as its lines; without such parts, the whole."""
    head, sign, body = text.partition("\njobs:")
    if not sign:
        yield text
        return
    first = re.search(r"\n( +)[\w-]+:[ \t]*(?:#.*)?\n", body)
    if first is None:
        yield body
        return
    variables = head.partition("\nenv:")[2]
    for job in re.split(rf"\n(?={first[1]}[\w-]+:)", body):
        yield f"{job}\n{variables if 'python' in variables.lower() else ''}"


def _versions(job: str) -> Iterator[str]:
    lines = job.splitlines()
    for index, line in enumerate(lines):
        for part in re.split(r"[{,](?=\s*[\"']?\w+[\"']?\s*:)", line):
            match = _PYTHON_KEY.match(part)
            if match is None:
                continue
            said = match[1].split("#")[0]
            yield from versions_in(said)
            for below in lines[index + 1 :] if not said.strip("[ ") else ():
                item = re.match(r"^\s*(?:-\s*)?[\"']?([\w.-]+)[\"']?,?\s*(?:#.*)?$", below)
                if item is None:
                    break
                yield from versions_in(item[1])


def _read_job(job: str, where: str, files: Files, found: Found) -> None:
    mine = Found()
    for raw in re.sub(r"\\\n\s*", " ", job).splitlines():
        line = _LINE.match(raw)
        if line is None or not line[1] or line[1].startswith("#"):
            continue
        text = re.sub(r"\$\{\{.*?\}\}", "$x", line[1])
        if text[0] == text[-1] and text[0] in "\"'" and text.count(text[0]) == 2:
            text = text[1:-1]
        for words in words_of(text):
            read_command(words, where, files, mine)
    if mine.commands:
        found.commands += [Command(c.where, c.arguments, c.folder) for c in mine.commands]
        found.want(mine.wanted, where)
        for lines in mine.listed.values():
            found.listed.setdefault(where, []).extend(lines)
