import json


def days(shell, span):
    return json.loads(shell.run("report", span, "--by", "day", "--format", "json"))


def test_entry_that_ends_at_midnight(shell):
    shell.run("add", "2024-03-04 22:00", "2024-03-05 00:00", "acme")
    assert days(shell, "2024-03") == {"2024-03-04": 7200}


def test_one_whole_day(shell):
    shell.run("add", "2024-03-04 00:00", "2024-03-05 00:00", "acme")
    assert days(shell, "2024-03") == {"2024-03-04": 86400}


def test_no_day_outside_of_the_range(shell):
    shell.run("add", "2024-03-04 22:00", "2024-03-05 01:00", "acme")
    assert days(shell, "2024-03-04") == {"2024-03-04": 7200}
    assert days(shell, "2024-03-05") == {"2024-03-05": 3600}


def test_entry_over_midnight_is_still_split(shell):
    shell.run("add", "2024-03-04 23:30", "2024-03-05 00:15", "acme")
    assert days(shell, "2024-03") == {"2024-03-04": 1800, "2024-03-05": 900}
