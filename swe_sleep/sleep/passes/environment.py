"""What the repository's tests run in: what was found, what was made of it, and whether the tests
can be collected there. One note, made again when a file that it was read from changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from swe_sleep.errors import EnvironmentFailed, TestsError
from swe_sleep.notes import kinds
from swe_sleep.notes.kinds import EnvironmentData
from swe_sleep.records import Note, Place
from swe_sleep.sandbox.project.project import Project, read_project
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation

COLLECT_S = 120.0
COST_S = 5.0


class EnvironmentPass:
    name = "environment"
    version = 1
    reads = ()

    def plan(self, work: Situation) -> Iterator[Unit]:
        asked = _asked(work)
        seen = work.view.get(kinds.ENVIRONMENT, "")
        if seen and seen.fresh and seen.data(EnvironmentData).asked == asked:
            return
        project = _read(work)
        yield schedule.ENVIRONMENT.unit(
            f"{self.name}@{self.version}", asked, project.read, cost_s=COST_S
        )

    def run(self, unit: Unit, work: Situation) -> Made:
        project = _read(work)
        data = EnvironmentData(
            asked=unit.subject,
            requirements={group.name: group.requirements for group in project.groups},
            command=project.command,
            lock=project.lock,
            builds=project.build.makes if project.build else "",
        )
        try:
            environment = work.sandbox.environment
            data = EnvironmentData(
                asked=data.asked,
                python=environment.version,
                chosen=environment.chosen,
                requirements=data.requirements,
                command=data.command,
                lock=data.lock,
                builds=data.builds,
                generated=tuple(environment.generated),
                test_paths=environment.test_paths,
                test_arguments=environment.test_arguments,
                variables=environment.variables,
                problem=environment.problem,
            )
            limit_s = min(COLLECT_S, max(work.budget.left_s, 1.0))
            collection = work.tests.collect(timeout_s=limit_s)
        except (EnvironmentFailed, TestsError) as error:
            return Made((_note(unit, data, str(error)),))
        errors = {each.test_id: each.message for each in collection.errors[:50]}
        return Made((_note(unit, data, collection.problem, len(collection.test_ids), errors),))


def _read(work: Situation) -> Project:
    wanted = work.settings.environment
    return read_project(
        work.snapshot,
        extras=wanted.extras,
        requirements=wanted.requirements,
        build=wanted.build,
    )


def _asked(work: Situation) -> str:
    """The settings that decide, as a hash; they may stand outside of the repository."""
    text = work.settings.environment.model_dump_json() + work.backend.name
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _note(
    unit: Unit,
    data: EnvironmentData,
    problem: str,
    collected: int = 0,
    errors: dict[str, str] | None = None,
) -> Note:
    import msgspec

    said = "; ".join(filter(None, (data.problem, problem)))
    data = msgspec.structs.replace(data, problem=said, collected=collected, errors=errors or {})
    return Note(
        kind=kinds.ENVIRONMENT,
        subject="",
        body="\n".join(_lines(data)),
        producer=unit.producer,
        inputs=unit.inputs,
        data=kinds.encode(data),
        evidence=tuple(Place(path) for path, blob in unit.inputs.items() if blob)[:10],
    )


def _lines(data: EnvironmentData) -> Iterator[str]:
    if data.python:
        yield f"Python {data.python}: {data.chosen}."
    for name, lines in data.requirements.items():
        shown = ", ".join(f"`{line}`" for line in lines[:12])
        yield f"- {name}: {shown}" + (f" and {len(lines) - 12} more" if len(lines) > 12 else "")
    if data.lock:
        yield f"- versions as in `{data.lock}`, where they can be had"
    if data.builds:
        yield f"- built in a sandbox: {data.builds}; {len(data.generated)} files"
    started = " ".join(["pytest", *data.test_arguments, *data.test_paths])
    yield f"Tests: `{started}`" + (f", as in `{data.command}`." if data.command else ".")
    if data.variables:
        yield "- with " + ", ".join(f"`{k}={v}`" for k, v in sorted(data.variables.items()))
    yield f"{data.collected} tests were collected."
    for path, message in list(data.errors.items())[:10]:
        yield f"- `{path}` cannot be read: {message}"
    if data.problem:
        yield f"Not whole: {data.problem}."
