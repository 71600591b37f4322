import pytest

from clockbook.durations import parse_duration


@pytest.mark.parametrize(("text", "seconds"), [("90", 5400), ("1", 60), ("15", 900)])
def test_number_alone_is_minutes(text, seconds):
    assert parse_duration(text) == seconds


def test_seconds_still_have_a_unit():
    assert parse_duration("90s") == 90
    assert parse_duration("0") == 0


def test_added_length_in_minutes(shell):
    assert shell.run("add", "09:00", "+90", "acme") == "acme added: 1:30\n"


def test_minutes_ago(shell):
    assert shell.run("start", "acme", "--at", "20 ago") == "acme started at 14:10\n"


def test_rounding_of_the_config_file_in_minutes(shell, tmp_path):
    config = tmp_path / "config.ini"
    config.write_text("[report]\nround = 15\n")
    shell.environ["CLOCKBOOK_CONFIG"] = str(config)
    shell.run("add", "09:00", "09:50", "acme")
    shell.run("add", "10:00", "11:20", "home")
    assert shell.run("report").splitlines()[:2] == ["acme   1:00", "home   1:30"]
