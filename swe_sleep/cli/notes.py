"""`swe-sleep notes`: what is known, and how fresh it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from swe_sleep.cli import output
from swe_sleep.errors import UsageError

if TYPE_CHECKING:
    from swe_sleep.cli.wiring import Known
    from swe_sleep.index.outline import Outline
    from swe_sleep.notes.kinds import RiskItem
    from swe_sleep.notes.view import Seen, View

RISKY = 5
"""Functions of a file whose risk is shown."""

app = typer.Typer(
    help="Show, search and export the notes. Every note says whether it is fresh.",
    no_args_is_help=True,
)

Stale = Annotated[bool, typer.Option("--stale", help="Show stale notes too, each marked as stale.")]


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="PATH", help="A file, a symbol (PATH::NAME) or a test id.")
    ],
    stale: Stale = False,
    as_json: output.Json = False,
) -> None:
    """Everything known of a file, a symbol (PATH::NAME) or a test.

    \b
    swe-sleep notes show src/shop/basket.py
    swe-sleep notes show src/shop/basket.py::Basket.total
    """
    from swe_sleep.cli import wiring
    from swe_sleep.notes import render

    with wiring.reading() as known:
        name = wiring.inside(known.repository, name)
        path, _, symbol = name.partition("::")
        about = known.view.about(name)
        seen = [each for each in about if each.fresh or stale]
        outline = known.outlines.get(path)
        if outline is not None and symbol:
            outline = _part(outline, symbol)
        if outline is None and not about:
            _refuse(name, known)
        risks = _risks(known.view, path, symbol)
        hint, mask = _hint(known.view), known.masker()
    if as_json:
        notes = [_plain(each) for each in seen]
        output.print_json({"outline": outline, "risk": risks, "notes": notes}, mask)
    else:
        console = output.console()
        if outline is not None:
            console.print(f"{name} — outline, {outline.language}, fresh")
            if outline.problem:
                console.print(f"  {outline.problem}", style="yellow")
            for each in outline.symbols:
                lines = f"{each.line}-{each.end_line}" if each.end_line > each.line else each.line
                indent = "  " * each.qualname.count(".")
                console.print(mask(f"{lines:>11}  {indent}{each.signature}"))
            console.print()
        for item in risks:
            from swe_sleep.anticipate.risk.noted import in_words

            console.print(mask(f"Risk of {item.qualname or path}: {in_words(item)}"))
        if risks:
            console.print()
        for note in seen:
            console.print(mask(render.note(note)))
        if len(seen) < len(about):
            more = output.count(len(about) - len(seen), "stale note")
            console.print(f"{more} not shown; --stale shows them.", style="dim")
        elif not about and hint:
            console.print(hint)
    if outline is None and not seen:
        raise typer.Exit(1)


@app.command()
def search(
    text: Annotated[list[str], typer.Argument(help="Words to look for.")],
    limit: Annotated[int, typer.Option(min=1, help="How many notes at most.")] = 10,
    stale: Stale = False,
    as_json: output.Json = False,
) -> None:
    """Notes that hold these words, best first. Exits with 1 where there is none.

    \b
    swe-sleep notes search expiry date
    """
    from swe_sleep.cli import wiring
    from swe_sleep.notes import render

    with wiring.reading() as known:
        found = known.view.search(" ".join(text), limit=limit)
        found = [each for each in found if each.fresh or stale]
        hint, mask = _hint(known.view), known.masker()
    if as_json:
        output.print_json([_plain(each) for each in found], mask)
    elif found:
        for each in found:
            output.console().print(mask(render.note(each)))
    else:
        output.console().print(f"No note holds these words. {hint}".rstrip())
    if not found:
        raise typer.Exit(1)


@app.command()
def bugs(
    everything: Annotated[
        bool, typer.Option("--all", help="Suspicions and refuted ones too, each marked as such.")
    ] = False,
    stale: Stale = False,
    as_json: output.Json = False,
) -> None:
    """Bugs that a failing test proves, and the patches prepared for them.

    \b
    swe-sleep notes bugs
    swe-sleep notes bugs --all --json
    """
    from swe_sleep.cli import wiring
    from swe_sleep.notes import render
    from swe_sleep.notes.view import Seen
    from swe_sleep.records import State

    states = () if everything else (State.PATCHED, State.REPRODUCED)
    with wiring.reading() as known:
        issues = known.view.issues(*states, stale=stale)
        hint, mask = _hint(known.view), known.masker()
    if as_json:
        output.print_json(
            [
                {"fresh": each.fresh, "subject": each.note.subject, "issue": each.issue}
                for each in issues
            ],
            mask,
        )
        return
    console = output.console()
    for each in issues:
        console.print(mask(render.note(Seen(each.note, each.fresh))))
    if not issues:
        console.print(f"No proven bug is known. {hint}".rstrip())


@app.command()
def export(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder for one file per kind; without: to stdout.")
    ] = None,
    stale: Stale = False,
) -> None:
    """Write the fresh notes as Markdown.

    \b
    swe-sleep notes export            to stdout
    swe-sleep notes export ~/notes    one file per kind there
    """
    from swe_sleep.cli import wiring
    from swe_sleep.notes import kinds, render

    with wiring.reading() as known:
        by_kind = {
            kind: [each for each in known.view.all(kind) if each.fresh or stale]
            for kind in kinds.DATA
        }
        hint, mask = _hint(known.view), known.masker()
    documents = {
        kind: mask(render.document(sorted(seen, key=lambda each: each.note.subject), kind))
        for kind, seen in by_kind.items()
        if seen
    }
    if not documents:
        raise UsageError("there is no fresh note to export.", hint)
    if folder is None:
        output.console().print("\n".join(documents.values()))
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind, text in documents.items():
            (folder / f"{kind}.md").write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}.") from error
    count = sum(len(seen) for seen in by_kind.values())
    files = output.count(len(documents), "file")
    output.console().print(f"{output.count(count, 'note')} in {files} in {output.shown(folder)}.")


def _risks(view: View, path: str, symbol: str) -> list[RiskItem]:
    """Of a file and its riskiest functions, or of one symbol."""
    from swe_sleep.anticipate.risk.noted import of_path

    whole, functions = of_path(view, path)
    name = symbol.partition("[")[0].replace("::", ".")
    if name:
        return [item for item in functions if f"{item.qualname}.".startswith(f"{name}.")]
    return ([whole] if whole else []) + functions[:RISKY]


def _plain(seen: Seen) -> dict[str, object]:
    import msgspec

    note = seen.note
    return {
        "kind": note.kind,
        "subject": note.subject,
        "fresh": seen.fresh,
        "body": note.body,
        "data": msgspec.Raw(note.data),
        "evidence": note.evidence,
        "inputs": note.inputs,
        "producer": note.producer,
        "created": note.created,
        "score": seen.score,
    }


def _hint(view: View) -> str:
    from swe_sleep.notes import kinds

    if any(view.all(kind) for kind in (kinds.GRAPH, kinds.TESTS)):
        return ""
    return "No pass has run here yet: run `swe-sleep init`."


def _part(outline: Outline, symbol: str) -> Outline | None:
    """The outline of one symbol and what is in it."""
    import msgspec

    name = symbol.partition("[")[0].replace("::", ".")
    symbols = [s for s in outline.symbols if f"{s.qualname}.".startswith(f"{name}.")]
    return msgspec.structs.replace(outline, symbols=tuple(symbols)) if symbols else None


def _refuse(name: str, known: Known) -> NoReturn:
    """Nothing is known of this name: say why, and what is meant perhaps. Raises UsageError."""
    import difflib

    path, _, symbol = name.partition("::")
    files = known.snapshot.files
    if path in files and not symbol:
        raise UsageError(f"nothing is known of {path}.", _hint(known.view))
    if path in files:
        outline = known.outlines.get(path)
        names = [each.qualname for each in outline.symbols] if outline else []
        near = difflib.get_close_matches(symbol.replace("::", "."), names, n=1)
        near = [f"{path}::{each}" for each in near]
        problem = f"{path} has no {symbol}."
    elif path == "." or any(each.startswith(f"{path}/") for each in files):
        raise UsageError(f"{path} is a folder.", "Name one of its files.")
    else:
        near = difflib.get_close_matches(path, files, n=1)
        problem = f"there is no {path} in this repository, and no note about it."
    raise UsageError(problem, f"Did you mean {near[0]}?" if near else "")
