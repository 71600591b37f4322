"""The page: whole, self-contained, and safe whatever a task is called."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from swe_sleep.evaluate.figures.figures import Report
from swe_sleep.evaluate.figures.figures import report as build
from swe_sleep.evaluate.figures.loaded import read_run
from swe_sleep.evaluate.report import plots
from swe_sleep.evaluate.report.links import links
from swe_sleep.evaluate.report.page import page
from swe_sleep.evaluate.runs.records import Arm, Trial
from swe_sleep.records import Usage

Reported = Callable[..., Report]
VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}
ALLOWED = frozenset(
    re.findall(
        r"\w+",
        """
        html head meta title style body a header footer nav main section p h1 h2 h3 h4 ul li div
        span table thead tbody tr th td small b bdi code br wbr details summary figure figcaption
        svg desc g path defs use text tspan clippath rect
        """,
    )
)


class Parsed(HTMLParser):
    """Checks that every element is closed in its turn; collects what is asked about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(name)) is not None]


OPTIONS: dict[str, list[dict[str, Any]]] = {
    "ordinary": [{"arms": tuple(Arm)}],
    "hostile": [{"hostile": True, "lose": 0.1}],
    "two models": [{"model": "claude-a", "tasks": 6}, {"model": "claude-b", "tasks": 6}],
    "one task": [{"tasks": 1}],
    "only off": [{"arms": [Arm.OFF]}],
    "all lost": [{"arms": [Arm.OFF, Arm.ON], "lose": 1.0}],
    "no price": [{"model": "claude", "priced": False, "arms": [Arm.OFF, Arm.ON]}],
    "several of all": [
        {"seeds": (0, 1), "sleeps": ("default", "seconds=9"), "arms": [Arm.OFF, Arm.ON]}
    ],
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_page_is_whole_and_needs_nothing_beside_it(
    reported: Reported, tmp_path: Path, options: list[dict[str, Any]]
) -> None:
    html = page(reported(*options), tmp_path)
    parsed = Parsed(html)
    tags = {tag for tag, _ in parsed.tags}
    assert tags <= ALLOWED
    assert not any(name.startswith("on") for _, attrs in parsed.tags for name in attrs)
    ids = parsed.values("id")
    assert len(ids) == len(set(ids))
    named = {part for value in parsed.values("aria-labelledby") for part in value.split()}
    assert named <= set(ids)
    assert parsed.values("src") == []
    for url in parsed.values("href"):
        if url.startswith("#"):
            assert url[1:] in ids
        else:
            split = urlsplit(url)
            assert (split.scheme, split.netloc) == ("", "")
            assert url.startswith(("./", "../"))
            assert (tmp_path / unquote(url)).is_file()
    assert "://" not in html
    assert "@import" not in html
    assert set(re.findall(r"url\(([^)]*)\)", html)) <= {f"#{each}" for each in ids}
    assert {"main", "nav", "table"} <= tags
    assert all(ord(char) >= 32 or char == "\n" for char in html)


def test_what_a_task_is_called_stays_text(reported: Reported, tmp_path: Path) -> None:
    parsed = Parsed(page(reported({"hostile": True, "arms": [Arm.OFF]}), tmp_path))
    text = "".join(parsed.text)
    for name in ("</script><script>alert(1)</script>", "$x^2$ & {{ 7*7 }} <b>"):
        assert name in text
    assert "a\\u202egnp.exe\\x1b[31m" in text
    assert "script" not in {tag for tag, _ in parsed.tags}


def test_hostile_budgets_suites_and_settings_stay_text(reported: Reported, tmp_path: Path) -> None:
    options = {
        "budgets": ("<img src=x onerror=alert(1)>", "$a_b$ & 'c\"\\frac{"),
        "sleeps": ("</svg><script>",),
        "suite": "</title><script>alert(1)</script>",
        "settings": {"<b>": "\u202e</pre>"},
    }
    parsed = Parsed(page(reported(options), tmp_path))
    assert {tag for tag, _ in parsed.tags} <= ALLOWED
    text = "".join(parsed.text)
    assert "$a_b$ & 'c\"\\frac{" in text
    assert "\u202e" not in text


def test_every_trial_links_to_its_files(reported: Reported, tmp_path: Path) -> None:
    report = reported({"model": "claude", "arms": [Arm.OFF, Arm.ON], "tasks": 3})
    below = tmp_path / "reports" / "here"
    parsed = Parsed(page(report, below))
    urls = [url for url in parsed.values("href") if not url.startswith("#")]
    assert len(urls) == 3 * 2 * 4
    assert all(url.startswith("../../run-0/trials/") for url in urls)
    assert sum(url.endswith("/trajectory.jsonl") for url in urls) == 6


def test_no_link_leads_out_of_the_run(reported: Reported, tmp_path: Path) -> None:
    report = reported({"arms": [Arm.OFF], "tasks": 1})
    (tmp_path / "log.txt").write_text("not of the run")
    ((row,),) = [group.rows for group in report.groups]
    ((entry,),) = row.entries.values()
    assert entry.result is not None
    assert links(entry, tmp_path) != []
    for folder in ("..", "/etc", "trials/../..", "nowhere"):
        result = dataclasses.replace(entry.result, folder=folder)
        assert links(dataclasses.replace(entry, result=result), tmp_path) == []


def test_the_summary_comes_first_and_every_plot_has_its_table(
    reported: Reported, tmp_path: Path
) -> None:
    html = page(reported({"tasks": 24}), tmp_path)
    order = [
        html.index(part) for part in ("Notes: resolved", "<svg", "Tasks and arms", "Method</h2>")
    ]
    assert order == sorted(order)
    figures = re.findall(r"<figure.*?</figure>", html, re.DOTALL)
    assert len(figures) == 1 + 2 + 1 + 4
    for figure in figures:
        assert "<table" in figure
        assert '<svg viewBox="' in figure
        assert re.search(r"<title id=[^>]*>[^<]+</title><desc id=[^>]*>[^<]+</desc>", figure)
    assert "no difference shown" in html
    assert "swe-sleep eval run --tasks tasks --run &#39;a run&#39;" in html
    assert "prefers-color-scheme: dark" in html


def test_two_budgets_that_came_out_alike(made_runs: Any, tmp_path: Path) -> None:
    budgets = ("candidates=200", "candidates=400")
    results = [
        made_runs.result(Trial(f"task-{n}", Arm.OFF, budget, ""), usage=Usage(wall_s=5.0))
        for budget in budgets
        for n in range(6)
    ]
    what = made_runs.manifest(tasks=[f"task-{n}" for n in range(6)], budgets=budgets)
    folder = made_runs.write(tmp_path / "run", what, results)
    (figures,) = build([read_run(folder)]).groups
    assert plots.curves(figures, "p")


def test_plots_have_their_texts_as_text_and_their_colours_from_the_page(
    reported: Reported,
) -> None:
    (figures,) = reported({"tasks": 12, "arms": tuple(Arm)}).groups
    svg = plots.curves(figures, "p")
    assert svg is not None
    assert ">resolved, %</text>" in svg
    for arm in Arm:
        assert f"var(--{arm})" in svg
        assert f">{arm}</text>" in svg
    assert re.findall(r"#[0-9a-f]{6}", svg) == []
    assert "xmlns" not in svg
    assert plots.curves(figures, "p") == svg


def test_matplotlib_is_left_as_it_was(reported: Reported) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    (figures,) = reported({}).groups
    plots.curves(figures, "p")
    assert dict(matplotlib.rcParams) == before
