"""What `swe-sleep eval texts` is asked to do, from its options."""

from __future__ import annotations

import dataclasses
import sys
import time
from typing import TYPE_CHECKING

from swe_sleep.errors import UsageError

if TYPE_CHECKING:
    from swe_sleep.config import Effort, Settings
    from swe_sleep.evaluate.runs.records import Arm, Manifest
    from swe_sleep.evaluate.stateful.plan import Options
    from swe_sleep.evaluate.stateful.problems import Data
    from swe_sleep.model.client import ClientOptions


def options_of(
    settings: Settings,
    arms: str,
    levels: str,
    efforts: str,
    sleeps: str,
    sleep_efforts: str,
    samples: int,
    seeds: int,
) -> tuple[Options, tuple[ClientOptions, ClientOptions]]:
    """What is done, and how the model is reached when it reads and when it answers."""
    from swe_sleep.evaluate.runs.records import Arm
    from swe_sleep.evaluate.stateful import answering
    from swe_sleep.evaluate.stateful.answering import Budget, Sleep
    from swe_sleep.evaluate.stateful.plan import Options
    from swe_sleep.wiring.asking import client_options

    if levels and efforts:
        raise UsageError("--levels and --efforts are two kinds of budget.", "Give one of them.")
    chosen = _arms(arms)
    if samples > 1 and Arm.OFF not in chosen:
        raise UsageError("--pass-at samples the arm `off`.", "Add it to --arms.")
    if efforts:
        names = answering.efforts(efforts, "--efforts")
        budgets = tuple(Budget(effort=each) for each in names)
    else:
        names = ()
        budgets = answering.levels(levels or "0,1,2,3,4")
    asleep: tuple[Effort | None, ...] = (
        answering.efforts(sleep_efforts, "--sleep-efforts") if sleep_efforts else (None,)
    )
    answerer = client_options(settings)
    _check_efforts(answerer.model, answerer.thinking, (*names, *(each for each in asleep if each)))
    # Levels are for a model that does not think before it writes, as in the paper.
    sleeper = answerer
    if not efforts:
        answerer = dataclasses.replace(answerer, thinking=False)
        sleeper = sleeper if sleep_efforts else answerer
    readings = answering.numbers(sleeps, 1, 100, "--sleeps")
    identity = f"{answerer.provider} {answerer.model} {sleeper.thinking} {answerer.thinking}"
    options = Options(
        arms=chosen,
        budgets=budgets,
        sleeps=tuple(Sleep(count, effort) for effort in asleep for count in readings),
        seeds=tuple(range(seeds)),
        samples=samples,
        model=identity,
    )
    return options, (sleeper, answerer)


def _arms(text: str) -> tuple[Arm, ...]:
    from swe_sleep.evaluate.stateful.plan import ARMS

    names = {arm.value: arm for arm in ARMS}
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    for name in wanted:
        if name not in names:
            raise UsageError(f"texts have no arm {name!r}.", f"There are: {', '.join(names)}.")
    if not wanted:
        raise UsageError("--arms names none.", f"There are: {', '.join(names)}.")
    return tuple(dict.fromkeys(names[name] for name in wanted))


def _check_efforts(model: str, thinking: bool, wanted: tuple[Effort, ...]) -> None:
    """An effort that is not sent would be no budget at all."""
    from swe_sleep.model.catalogue import abilities

    able = abilities(model).effort
    for effort in wanted:
        if effort not in able:
            takes = f"It takes {', '.join(able)}." if able else "Use --levels."
            raise UsageError(f"{model} takes no effort {effort}.", takes)
        if abilities(model).off and not thinking and effort in ("xhigh", "max"):
            raise UsageError(
                f"without thinking {model} makes no more effort than high.",
                "Leave model.thinking on.",
            )


def weights_of(text: str) -> tuple[float, ...]:
    try:
        found = tuple(sorted({float(part) for part in text.split(",") if part.strip()}))
    except ValueError:
        found = ()
    if not found or not all(0 < each < float("inf") for each in found):
        raise UsageError(f"--weights: {text!r} is no list of numbers above 0, such as 1,10.")
    return found


def manifest_of(
    whole: Data,
    chosen: Data,
    options: Options,
    clients: tuple[ClientOptions, ClientOptions],
    settings: Settings,
) -> Manifest:
    import importlib.metadata
    import platform

    import swe_sleep
    from swe_sleep.evaluate.runs import circumstances
    from swe_sleep.evaluate.runs.records import Arm, Manifest

    kept = [arm for arm in options.arms if arm is not Arm.OFF]
    return Manifest(
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        suite=whole.name,
        suite_digest=whole.digest,
        tasks=tuple(query.query_id for query in chosen.queries),
        arms=options.arms,
        budgets=tuple(budget.name for budget in options.budgets),
        sleeps=tuple(sleep.name for sleep in options.sleeps) if kept else (),
        seeds=options.seeds,
        solver="agent",
        model=clients[1].model,
        settings={
            "provider": settings.model.provider,
            "base_url": settings.model.base_url,
            "thinking": clients[1].thinking,
            "thinking_asleep": clients[0].thinking,
            "with_context": options.with_context,
        },
        versions={
            "swe-sleep": swe_sleep.__version__,
            "commit": circumstances.own_commit(),
            "python": platform.python_version(),
            "anthropic": importlib.metadata.version("anthropic"),
        },
        command=("swe-sleep", *sys.argv[1:]),
        machine=circumstances.machine(),
    )
