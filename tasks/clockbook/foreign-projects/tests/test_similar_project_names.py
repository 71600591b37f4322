from datetime import datetime

import pytest

from clockbook.entry import Entry
from clockbook.filters import Filter

NINE = datetime(2024, 3, 4, 9, 0)


@pytest.mark.parametrize("project", ["acmecorp", "acme-web", "acme2.web"])
def test_longer_name_is_another_project(project):
    assert not Filter(project="acme").accepts(Entry(NINE, None, project))


def test_longer_name_of_a_sub_project():
    assert not Filter(project="acme.web").accepts(Entry(NINE, None, "acme.website"))
    assert Filter(project="acme.web").accepts(Entry(NINE, None, "acme.web"))


def test_no_project_wanted():
    assert Filter().accepts(Entry(NINE, None, "acmecorp"))


def test_report_of_one_customer(shell):
    shell.run("add", "08:00", "10:00", "acme")
    shell.run("add", "10:00", "11:00", "acme.web")
    shell.run("add", "11:00", "14:00", "acmecorp")
    assert shell.run("report", "-p", "acme").splitlines() == [
        "acme      2:00",
        "acme.web  1:00",
        "total     3:00",
    ]
