"""`swe-sleep eval texts`: whether sleep pays on texts with questions, as the paper measured it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swe_sleep.cli import output
from swe_sleep.errors import SweSleepError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from swe_sleep.config import Settings
    from swe_sleep.evaluate.runs.folder import RunFolder
    from swe_sleep.evaluate.stateful.estimate import Estimate
    from swe_sleep.evaluate.stateful.figures import Figures
    from swe_sleep.evaluate.stateful.plan import Asked, Options
    from swe_sleep.evaluate.stateful.problems import Data
    from swe_sleep.evaluate.stateful.run import Summary
    from swe_sleep.model.client import ClientOptions

SHOWN_PROBLEMS = 5


def texts(
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="NAME",
            help="Problems as JSON lines or Parquet, or a data set's name (the extra `datasets`).",
        ),
    ],
    arms: Annotated[
        str,
        typer.Option(
            "--arms",
            help="on (what was learned stands in place of the text), off (the text), stale (what "
            "was learned before the text's last sentence), shuffled (of another text).",
        ),
    ] = "on,off",
    levels: Annotated[
        str,
        typer.Option(
            "--levels",
            help="Budgets at test time: how much is written, from 0, a sentence, to 4, which works "
            "everything out twice. The default is all five.",
        ),
    ] = "",
    efforts: Annotated[
        str,
        typer.Option(
            "--efforts", help="Budgets at test time instead: low, medium, high, xhigh, max."
        ),
    ] = "",
    sleeps: Annotated[
        str,
        typer.Option(
            "--sleeps",
            metavar="K,...",
            help="Independent readings of a text that are put together.",
        ),
    ] = "1",
    sleep_efforts: Annotated[
        str, typer.Option("--sleep-efforts", help="How hard the model thinks when it reads.")
    ] = "",
    with_context: Annotated[
        bool,
        typer.Option(
            "--with-context",
            help="Give the text beside what was learned of it, as the paper's released code does.",
        ),
    ] = False,
    samples: Annotated[
        int,
        typer.Option(
            "--pass-at",
            metavar="K",
            min=1,
            help="Samples of `off` at the least budget, for pass@k at equal tokens.",
        ),
    ] = 1,
    foresee: Annotated[
        int,
        typer.Option(
            "--foresee",
            metavar="N",
            min=0,
            help="Have the model list so many likely questions on each text, and see at which "
            "place the one asked is.",
        ),
    ] = 0,
    weight: Annotated[
        str, typer.Option("--weights", help="Of test time against sleep, in the cost of a query.")
    ] = "1,10",
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="How often everything is done, sleep included.")
    ] = 1,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="DIR",
            help="The run's folder. One that is there is gone on with: nothing is paid twice.",
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, max=64, help="Questions at the same time.")
    ] = 4,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only so many questions, the first ones.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Of a data set.")] = None,
    subset: Annotated[
        str | None, typer.Option("--subset", help="Of a data set that has several.")
    ] = None,
    resplit: Annotated[
        bool,
        typer.Option(
            "--resplit",
            help="Part problems into text and question anew, where the data have them whole.",
        ),
    ] = False,
    model: Annotated[str | None, typer.Option("--model", help="Another model of Claude's.")] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Ask this server instead of Anthropic's.")
    ] = None,
    budget_usd: Annotated[
        float | None,
        typer.Option(
            "--budget-usd",
            min=0,
            help="What all runs in the folder may cost together. Default: model.budget_usd.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and what it may cost.")
    ] = False,
    as_json: output.Json = False,
) -> None:
    """Stateful GSM-Symbolic, Stateful AIME, Multi-Query GSM-Symbolic: does reading a text before
    anybody asks pay?

    The model reads each text and writes down what it learned, in the loop that repositories are
    read with. Then each question is answered with that in place of the text, and with the text
    alone, at several budgets. A problem that comes whole is parted: its last sentence is the
    question. Replies are kept, so a run that was stopped or killed goes on, and pays nothing twice,
    when the same command names its folder again.

    \b
    swe-sleep eval texts --data stateful_gsm_symbolic_p2.jsonl --limit 100 --run runs/p2
    swe-sleep eval texts --data letta-ai/stateful-aime-2024 --efforts low,high --sleeps 1,5
    swe-sleep eval texts --data multi.jsonl --arms on,off,shuffled --pass-at 5 --dry-run
    swe-sleep eval report runs/p2

    It needs a model: there is no built-in solver for texts. Exits with 1 where a question was not
    answered; `lost.jsonl` in the folder says why.
    """
    from swe_sleep import config
    from swe_sleep.cli import texts_setup, texts_shown, wiring
    from swe_sleep.cli.display import Display
    from swe_sleep.evaluate.extras import need
    from swe_sleep.evaluate.runs.folder import RunFolder, new_folder
    from swe_sleep.evaluate.stateful.figures import figures
    from swe_sleep.evaluate.stateful.loading import load
    from swe_sleep.evaluate.stateful.plan import plan

    settings = config.load(flags={"model.name": model, "model.base_url": base_url})
    weights = texts_setup.weights_of(weight)
    whole = load(data, subset=subset, part=split, resplit=resplit)
    chosen = whole.first(limit)
    options, clients = texts_setup.options_of(
        settings, arms, levels, efforts, sleeps, sleep_efforts, samples, seeds
    )
    options = dataclasses.replace(options, with_context=with_context, foresee=foresee)
    asked = plan(chosen, options)
    name = Path(data).stem if Path(data).is_file() else data.rpartition("/")[2]
    folder = folder or new_folder(name)
    run_folder = RunFolder(folder.absolute())
    limit_usd = settings.model.budget_usd if budget_usd is None else budget_usd
    console = output.console(stderr=not dry_run)
    price = _estimate(asked, options, clients, settings, run_folder)
    if dry_run and as_json:
        output.print_json(texts_shown.plain_plan(chosen, asked, price, limit_usd))
        return
    _say_data(console, chosen)
    _say_estimate(console, price, options, clients[1].model, limit_usd)
    if dry_run:
        return
    _check_key(settings)
    need("scipy.stats", extra="eval")  # not only once all is paid
    display = Display(console)
    with run_folder.lock():
        run_folder.begin(texts_setup.manifest_of(whole, chosen, options, clients, settings))
        console.print(f"run folder: {output.shown(run_folder.path)}", style="dim")
        try:
            with wiring.stopping() as stop:
                summary = _carry_out(
                    asked, chosen, options, clients, settings, run_folder, limit_usd, jobs,
                    display.progress, stop.is_set,
                )  # fmt: skip
        finally:
            display.quiet()
        found = figures(
            chosen,
            list(summary.answers.values()),
            run_folder.sleeps(),
            options,
            weights=weights,
        )
        plain = texts_shown.plain(chosen, found, summary, run_folder.path)
        _write(run_folder.path, plain, found, weights)
    if as_json:
        output.print_json(plain)
    else:
        texts_shown.show(output.console(), chosen, found, summary, run_folder.path)
    if stop.is_set():
        raise typer.Exit(130)
    if not summary.whole:
        raise typer.Exit(1)


def _check_key(settings: Settings) -> None:
    from swe_sleep.wiring.asking import KEYS, can_ask

    if not can_ask(settings):
        raise UsageError(
            "texts can only be read and answered by a model, and none can be asked.",
            f"Set {KEYS[0]}, or name a server on this machine that speaks the Messages API with "
            "--base-url.",
        )


def _say_data(console: Console, data: Data) -> None:
    line = (
        f"{output.count(len(data.queries), 'question')} on {output.count(len(data.texts), 'text')}"
    )
    empty = sum(not text for text in data.texts.values())
    extra = [
        f"{data.parted} problems parted here" if data.parted else "",
        f"{data.repeated} repeated ones left out" if data.repeated else "",
        "one text is empty" if empty else "",
    ]
    console.print("; ".join([line, *filter(None, extra)]))
    if data.damaged:
        console.print(
            f"{data.damaged} records have a text and question that differ from their whole problem "
            "by more than the cut, such as 2.5 made into two sentences; --resplit parts them anew",
            style="yellow",
        )
    for problem in data.problems[:SHOWN_PROBLEMS]:
        console.print(f"left out: {output.one_line(problem)}", style="yellow")
    if len(data.problems) > SHOWN_PROBLEMS:
        console.print(f"left out: {len(data.problems) - SHOWN_PROBLEMS} more", style="yellow")


def _estimate(
    asked: list[Asked],
    options: Options,
    clients: tuple[ClientOptions, ClientOptions],
    settings: Settings,
    folder: RunFolder,
) -> Estimate:
    from swe_sleep.evaluate.stateful.bench import READINGS
    from swe_sleep.evaluate.stateful.estimate import estimate
    from swe_sleep.evaluate.stateful.reading import Reading
    from swe_sleep.evaluate.stateful.records import Answered, Lines
    from swe_sleep.evaluate.stateful.run import ANSWERS
    from swe_sleep.model.catalogue import abilities
    from swe_sleep.wiring.asking import price_list

    model = clients[1].model
    ability = abilities(model).thinking
    thinks = [ability == "always" or (ability == "adaptive" and each.thinking) for each in clients]
    return estimate(
        asked,
        options,
        Lines(folder.path / READINGS, Reading).read(),
        Lines(folder.path / ANSWERS, Answered).read(),
        model=model,
        prices=price_list(settings, model),
        thinks=thinks[1],
        thinks_asleep=thinks[0],
    )


def _say_estimate(
    console: Console, found: Estimate, options: Options, model: str, limit_usd: float
) -> None:
    from swe_sleep.model.catalogue import abilities

    work = [output.count(found.readings, "reading"), output.count(found.answers, "answer")]
    if found.lists:
        work.append(f"{output.count(found.lists, 'list')} of likely questions")
    price = "no price known" if found.usd is None else f"about ${found.usd:,.2f}, a guess"
    console.print(f"to do: {', '.join(work)} by {model}: {price}; at most ${limit_usd:,.2f}")
    if abilities(model).thinking == "always" and options.budgets[0].level is not None:
        console.print(
            f"{model} always thinks before it writes, so levels shape only what it writes; "
            "--efforts are its budgets",
            style="yellow",
        )


def _carry_out(
    asked: list[Asked],
    data: Data,
    options: Options,
    clients: tuple[ClientOptions, ClientOptions],
    settings: Settings,
    folder: RunFolder,
    limit_usd: float,
    jobs: int,
    progress: Callable[[str], None],
    stop: Callable[[], bool],
) -> Summary:
    from swe_sleep.evaluate.stateful.asking import Asker, Replies, Till
    from swe_sleep.evaluate.stateful.bench import Bench
    from swe_sleep.evaluate.stateful.predicting import Rarity
    from swe_sleep.evaluate.stateful.run import REPLIES, run
    from swe_sleep.model.client import ClaudeModel
    from swe_sleep.wiring.asking import price_list

    sleeper, answerer = clients
    till = Till(Replies(folder.path / REPLIES), price_list(settings, answerer.model), limit_usd)
    rarity = Rarity.of(query.question for query in data.queries)
    with ClaudeModel(sleeper) as reads, ClaudeModel(answerer) as answers:
        bench = Bench(
            folder, Asker(reads, sleeper, till), Asker(answers, answerer, till), options, rarity
        )
        return run(asked, bench, folder, till, jobs=jobs, progress=progress, stop=stop)


def _write(
    folder: Path, plain: dict[str, object], found: Figures, weights: tuple[float, ...]
) -> None:
    import msgspec

    from swe_sleep.evaluate.stateful.table import as_csv

    try:
        (folder / "figures.json").write_bytes(msgspec.json.format(msgspec.json.encode(plain)))
        (folder / "figures.csv").write_text(as_csv(found, weights), encoding="utf-8")
    except OSError as error:
        raise SweSleepError(f"cannot write to {folder}: {error.strerror}.") from error
