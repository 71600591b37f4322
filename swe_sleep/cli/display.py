"""What a person sees of a pass while it runs and when it is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from swe_sleep.cli import output
from swe_sleep.notes import kinds
from swe_sleep.records import AnticipatedIssue, Change, Note, Outcome, Proof, State, TestRun

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.sleep.budget import Reached
    from swe_sleep.sleep.engine import Event, SleepReport

SHOWN_PATHS = 5
HEARTBEAT_S = 30.0
"""Without a terminal, a step that has been told is told again only after so long."""


class Display:
    """Writes a line for whatever a person would want to know, and a status line for the rest.

    The status line is live on a terminal. Where neither stdout nor stderr is one, each kind of step
    gets a line on stderr when it first begins, and a sign of life every half minute.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live = console if _live(console) else output.console(stderr=True)
        self._status = self._live.status("") if _live(self._live) else None
        self._spinning = False
        self._begun: dict[str, float] = {}
        """Kinds of steps, with the moment they were last told."""
        self._told: dict[str, AnticipatedIssue] = {}
        """Issues that were shown, as they were shown last."""

    def progress(self, line: str) -> None:
        """Something long began."""
        line = output.one_line(line)
        if self._status is None:
            self._tell(line)
            return
        from rich.text import Text

        text = Text(line, style="dim")
        text.truncate(max(10, self._live.width - 4), overflow="ellipsis")
        self._status.update(text)
        if not self._spinning:
            self._spinning = True
            self._status.start()

    def _tell(self, line: str) -> None:
        step = line.partition(":")[0].strip("0123456789 ")
        now = time.monotonic()
        if now - max(self._begun.values(), default=0.0) >= HEARTBEAT_S or step not in self._begun:
            self._live.print(f"… {line}", style="dim")
            self._begun[step] = now

    def quiet(self) -> None:
        """Nothing is under way."""
        self._begun.clear()
        if self._status is not None and self._spinning:
            self._spinning = False
            self._status.stop()

    def event(self, event: Event) -> None:
        """An engine's event."""
        if event.unit is not None:
            step = event.unit.step
            if event.kind == "begin":
                self.progress(f"{step}: {event.unit.subject or 'the repository'}")
            elif event.kind == "failed":
                said = f"  {step} could not do its work: {event.problem}"
                self.console.print(said, style="yellow")
        for note in event.notes:
            if note.kind == kinds.ISSUE:
                self.issue(note)

    def issue(self, note: Note) -> None:
        """An anticipated issue, once per state it reaches."""
        issue = _issue(note)
        told = self._told.get(note.subject)
        if issue.state is State.SUSPECTED or (told is not None and told.state == issue.state):
            return
        self._told[note.subject] = issue
        if told is None:
            show_issue(self.console, issue)
        show_patch(self.console, issue)

    def _mended(self, report: SleepReport) -> None:
        """Say which of the issues that were shown are no longer there."""
        standing = {test for note in report.issues for test in _issue(note).tests}
        for subject, issue in list(self._told.items()):
            if standing.isdisjoint(issue.tests):
                self.console.print(f"passes again: {issue.title}", style="green")
                del self._told[subject]

    def change(self, change: Change) -> None:
        """A settled change."""
        if change.cause in ("start", "request"):
            return  # everything is new to a watcher that has just begun, or nothing is
        if not change:
            self.console.print("HEAD moved; no file changed.", style="dim")
            return
        paths = change.paths
        more = f" and {len(paths) - SHOWN_PATHS} more" if len(paths) > SHOWN_PATHS else ""
        self.console.print(f"changed: {', '.join(paths[:SHOWN_PATHS])}{more}", style="bold")

    def report(self, report: SleepReport) -> None:
        """A pass is over."""
        self.quiet()
        if not (report.stopped or report.moved or report.left):
            self._mended(report)
        self.console.print(summary(report), style="dim")
        for reached in report.limits:
            self.console.print(f"  {limit_line(reached)}", style="yellow")
        for problem in report.problems:
            self.console.print(f"  {problem}", style="yellow")


def _end(report: SleepReport) -> str:
    return "a limit was reached" if report.limits else "the time is up"


def limit_line(reached: Reached) -> str:
    """A limit that was reached, when, and what is left undone because of it."""
    when = time.strftime("%H:%M", time.localtime(reached.at))
    left = ", ".join(f"{name} {count}" for name, count in reached.left.items())
    return f"limit reached at {when}: {output.one_line(reached.limit)}" + f"; left: {left}" * bool(
        left
    )


def summary(report: SleepReport) -> str:
    """A pass in one line."""
    if not report.units and not report.problems:
        if report.stopped:
            return "Stopped before anything was finished."
        if report.left:
            left = output.count(report.left, "unit")
            ended = _end(report).capitalize()
            return f"{ended} before anything was finished; {left} left for the next pass."
        return "Nothing to do: every note is fresh."
    work = ", ".join(
        f"{name} {count} ({report.seconds_by_pass[name]:.1f} s)"
        for name, count in report.units.items()
    )
    end = ""
    if report.stopped:
        end = "; stopped, what was finished is kept"
    elif report.left:
        end = f"; {_end(report)}, {output.count(report.left, 'unit')} left for the next pass"
    if report.posted_by_pass:
        posted = sum(report.posted_by_pass.values())
        end += f"; {output.count(posted, 'unit')} wait{'s' * (posted == 1)} for a model's reply"
    renewed = output.count(len(report.notes), "note")
    return f"{renewed} renewed in {report.seconds:.1f} s{': ' if work else ''}{work}{end}."


def show_issue(console: Console, issue: AnticipatedIssue) -> None:
    """An anticipated issue with its proof."""
    console.print(f"anticipated issue, reproduced: {issue.title}", style="bold red")
    for test in issue.tests[:3]:
        console.print(f"  fails   {test}")
    if len(issue.tests) > 3:
        console.print(f"          and {len(issue.tests) - 3} more")
    for place in issue.cause[:2]:
        console.print(f"  since   the change at {place}")
    for suspicion in issue.suspicions[:3]:
        console.print(f"  suspect {suspicion.place}  {suspicion.score:.2f}  {suspicion.why}")


def show_patch(console: Console, issue: AnticipatedIssue) -> None:
    """What was prepared for an issue, if anything."""
    if issue.patches:
        console.print(f"patch prepared and tested: {issue.patches[0].summary}", style="bold green")


def _issue(note: Note) -> AnticipatedIssue:
    return kinds.decode(note.data, AnticipatedIssue)


def show_diff(console: Console, diff: str) -> None:
    """A diff in the usual colours."""
    for line in diff.removesuffix("\n").split("\n"):
        style = ""
        if line.startswith(("+++", "---", "diff ", "index ")):
            style = "bold"
        elif line.startswith("@@"):
            style = "cyan"
        elif line.startswith("+"):
            style = "green"
        elif line.startswith("-"):
            style = "red"
        console.print(line, style=style)


def show_proof(console: Console, proof: Proof) -> None:
    """The test runs behind a patch."""
    console.print(f"  before  {_counts(proof.before)}")
    console.print(f"  after   {_counts(proof.after)}")
    for name, run in (("impacted", proof.impacted), ("suite", proof.suite)):
        if run is not None:
            known = len(proof.known_failures)
            console.print(
                f"  {name:<8}{_counts(run)}, {len(proof.broken)} newly failing"
                + (f", {known} failing before it too" if known else "")
            )
    if proof.flaky:
        console.print(f"  flaky   passed when run again: {', '.join(proof.flaky[:5])}")


def _counts(run: TestRun) -> str:
    bad = sum(1 for r in run.results if r.outcome.bad)
    passed = sum(1 for r in run.results if r.outcome is Outcome.PASSED)
    said = f"{bad} failed, {passed} passed in {run.duration_s:.2f} s"
    return f"{said} ({run.problem})" if run.problem else said


def _live(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal
