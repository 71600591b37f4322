"""The root file system that a base image is made of."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from swe_sleep.sandbox.image import Tree


def _names(*paths: Path) -> list[str]:
    file = io.BytesIO()
    tree = Tree(file)
    for path in paths:
        tree.add(str(path))
    tree.close()
    file.seek(0)
    with tarfile.open(fileobj=file) as tar:
        return ["/" + name for name in tar.getnames()]


def test_a_folder_is_whole_though_a_link_led_into_it_before(tmp_path: Path) -> None:
    zones = tmp_path / "zones"
    (zones / "here").mkdir(parents=True)
    (zones / "here" / "local").write_text("1")
    (zones / "far").write_text("2")
    link = tmp_path / "localtime"
    link.symlink_to("zones/here/local")

    names = _names(link, zones)

    assert {str(zones / "far"), str(zones / "here" / "local"), str(link)} <= set(names)
    assert len(names) == len(set(names))


def test_links_that_lead_in_a_circle_are_added_once(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "up").symlink_to("..")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    names = _names(tmp_path / "folder", tmp_path / "a")

    assert len(names) == len(set(names))
    assert str(tmp_path / "a") in names
