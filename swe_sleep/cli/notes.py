"""`swe-sleep notes`: what is known, and how fresh it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swe_sleep.cli import output
from swe_sleep.errors import UsageError

if TYPE_CHECKING:
    from swe_sleep.notes.view import Seen, View

app = typer.Typer(
    help="Show, search and export the notes. Every note says whether it is fresh.",
    no_args_is_help=True,
)

Stale = Annotated[bool, typer.Option("--stale", help="Show stale notes too, each marked as stale.")]


@app.command()
def show(path: str, stale: Stale = False, as_json: output.Json = False) -> None:
    """Everything known of a file, a symbol (PATH::NAME) or a test.

    Example: swe-sleep notes show src/shop/basket.py
    """
    from swe_sleep.cli import wiring
    from swe_sleep.notes import render

    with wiring.reading() as known:
        path = wiring.inside(known.repository, path)
        seen = [each for each in known.view.about(path) if each.fresh or stale]
        outline = known.outlines.get(path)
    if as_json:
        output.print_json({"outline": outline, "notes": [_plain(each) for each in seen]})
        return
    console = output.console()
    if outline is None and not seen:
        raise UsageError(f"nothing is known of {path}.", _hint(known.view))
    if outline is not None:
        console.print(f"{path} — outline, {outline.language}, fresh")
        if outline.problem:
            console.print(f"  {outline.problem}")
        for symbol in outline.symbols:
            depth = symbol.qualname.count(".")
            console.print(f"{symbol.line:>6}-{symbol.end_line:<6}{'  ' * depth}{symbol.signature}")
        console.print()
    for each in seen:
        console.print(render.note(each))


@app.command()
def search(
    text: Annotated[list[str], typer.Argument(help="Words to look for.")],
    limit: Annotated[int, typer.Option(min=1, help="How many notes at most.")] = 10,
    stale: Stale = False,
    as_json: output.Json = False,
) -> None:
    """Notes that hold these words, best first.

    Example: swe-sleep notes search expiry date
    """
    from swe_sleep.cli import wiring
    from swe_sleep.notes import render

    with wiring.reading() as known:
        found = known.view.search(" ".join(text), limit=limit)
        found = [each for each in found if each.fresh or stale]
    if as_json:
        output.print_json([_plain(each) for each in found])
    elif found:
        for each in found:
            output.console().print(render.note(each))
    else:
        output.console().print("No note holds these words." + _hint(known.view))
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
    """Anticipated issues that a failing test proves, and the patches prepared for them."""
    from swe_sleep.cli import wiring
    from swe_sleep.notes import render
    from swe_sleep.notes.view import Seen
    from swe_sleep.records import State

    states = () if everything else (State.PATCHED, State.REPRODUCED)
    with wiring.reading() as known:
        issues = known.view.issues(*states, stale=stale)
    if as_json:
        output.print_json(
            [
                {"fresh": each.fresh, "subject": each.note.subject, "issue": each.issue}
                for each in issues
            ]
        )
        return
    console = output.console()
    for each in issues:
        console.print(render.note(Seen(each.note, each.fresh)))
    if not issues:
        console.print("No proven bug is known." + _hint(known.view))


@app.command()
def export(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder for one file per kind; without: to stdout.")
    ] = None,
    stale: Stale = False,
) -> None:
    """The fresh notes as Markdown."""
    from swe_sleep.cli import wiring
    from swe_sleep.notes import kinds, render

    with wiring.reading() as known:
        by_kind = {
            kind: [each for each in known.view.all(kind) if each.fresh or stale]
            for kind in kinds.DATA
        }
    documents = {
        kind: render.document(sorted(seen, key=lambda each: each.note.subject), kind)
        for kind, seen in by_kind.items()
        if seen
    }
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
    output.console().print(f"{count} notes in {len(documents)} files in {folder}.")


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
    return " No pass has run here yet: run `swe-sleep init`."
