import json
from datetime import datetime


def sums(shell, *argv):
    return json.loads(shell.run("report", *argv, "--format", "json"))


def test_running_entry_counts_until_now(shell):
    shell.run("add", "09:00", "10:00", "acme")
    shell.run("start", "acme", "--at", "13:00")
    assert shell.run("report", "today") == "acme   2:30\ntotal  2:30\n"


def test_by_tag(shell):
    shell.run("start", "acme", "-t", "call", "--at", "14:00")
    assert sums(shell, "today", "--by", "tag") == {"call": 1800}


def test_forgotten_yesterday(shell):
    shell.run("start", "acme", "--at", "yesterday 22:00")
    assert sums(shell, "yesterday", "--by", "project") == {"acme": 7200}
    assert sums(shell, "week", "--by", "day") == {"2024-03-05": 7200, "2024-03-06": 52200}


def test_range_before_it_started(shell):
    shell.run("start", "acme", "--at", "13:00")
    assert sums(shell, "yesterday") == {}
    shell.now = datetime(2024, 3, 6, 15, 0)
    shell.run("stop")
    assert sums(shell, "today") == {"acme": 7200}
