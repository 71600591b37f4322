from __future__ import annotations

from pathlib import Path

import pytest

from swe_sleep.config import Settings, load
from swe_sleep.errors import ConfigError


def test_defaults_need_no_file(tmp_path: Path) -> None:
    assert load(tmp_path) == Settings()


def test_each_layer_is_stronger_than_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.swe-sleep.sleep]\nbudget_s = 1\nbudget_usd = 0.1\nspeculate_s = 1\n"
        "history_commits = 1"
    )
    assert load(tmp_path).sleep.budget_s == 1
    (tmp_path / "swe-sleep.toml").write_text(
        "[sleep]\nbudget_s = 2\nbudget_usd = 0.2\nspeculate_s = 2"
    )
    monkeypatch.setenv("SWE_SLEEP_SLEEP__BUDGET_S", "3")
    monkeypatch.setenv("SWE_SLEEP_SLEEP__BUDGET_USD", "3")
    sleep = load(tmp_path, {"sleep.budget_s": 4, "watch.settle_s": None}).sleep
    assert (sleep.budget_s, sleep.budget_usd, sleep.speculate_s) == (4, 3, 2)
    assert sleep.history_commits == 1


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("sleep", "budget_usd"),
        ("sleep", "budget_usd_day"),
        ("sleep", "budget_tokens"),
        ("model", "budget_usd"),
    ],
)
def test_a_repository_may_ask_for_less_money_and_not_for_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, key: str
) -> None:
    file = tmp_path / "swe-sleep.toml"
    file.write_text(f"[{table}]\n{key} = 0\n")
    assert getattr(getattr(load(tmp_path), table), key) == 0
    file.write_text(f"[{table}]\n{key} = 99999999\n")
    with pytest.raises(ConfigError, match=f"{table}.{key} may not be raised") as raised:
        load(tmp_path)
    variable = f"SWE_SLEEP_{table}__{key}".upper()
    assert variable in raised.value.advice
    monkeypatch.setenv(variable, "3")  # the person has said how much it is
    assert getattr(getattr(load(tmp_path), table), key) == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "[sandbox]\nmemroy_mb = 5",
            r"swe-sleep.toml: unknown key sandbox.memroy_mb. Did you mean",
        ),
        ("[sandbox]\nmemory_mb = 'much'", r"swe-sleep.toml: sandbox.memory_mb: .*'much'"),
        ("[sandbox]\nmemory_mb = -1", r"sandbox.memory_mb"),
        ("[sandbox]\nbackend = 'vm'", r"sandbox.backend"),
        ("[solve]\ncontext_tokens = -1", r"solve.context_tokens"),
        ("[solve]\ncontext_token = 1", r"unknown key solve.context_token. Did you mean solve"),
        ("sandbox = 3", r"swe-sleep.toml: sandbox: "),
        ("colour = 'red'", r"unknown key colour"),
        ("[sandbox", r"swe-sleep.toml cannot be read"),
        ("[model]\nbase_url = 'http://thief.example'", r"model.base_url may not be set"),
        ("[model]\nprices = 'free.toml'", r"model.prices may not be set"),
        ("[environment]\npython = './evil'", r"environment.python may not be set"),
    ],
)
def test_a_bad_file_names_the_key(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "swe-sleep.toml").write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        load(tmp_path)


def test_a_repository_may_name_a_version_of_python_and_no_program(tmp_path: Path) -> None:
    text = """
[environment]
python = "3.12"
variables = {SHOP = "{root}/data"}
test_paths = ["tests/unit"]
test_arguments = ["--import-mode=importlib"]
build = false
until = "2025-06-30"
"""
    (tmp_path / "swe-sleep.toml").write_text(text)
    found = load(tmp_path).environment
    assert (found.python, found.build, found.test_paths) == ("3.12", False, ("tests/unit",))
    for python in ("/usr/bin/python3", "3.12/../evil", "python3.12", "3.12 ", "3"):
        (tmp_path / "swe-sleep.toml").write_text(f"[environment]\npython = {python!r}\n")
        with pytest.raises(ConfigError, match="may not be set"):
            load(tmp_path)
    (tmp_path / "swe-sleep.toml").write_text("[environment]\nuntil = 'soon'\n")
    with pytest.raises(ConfigError, match=r"environment\.until"):
        load(tmp_path)


def test_a_bad_pyproject_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool]\nswe-sleep = 3")
    with pytest.raises(ConfigError, match=r"\[tool.swe-sleep\] must be a table"):
        load(tmp_path)


def test_a_pyproject_that_is_not_toml_is_left_to_its_owner(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[broken")
    assert load(tmp_path) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("SWE_SLEEP_SLEEP__BUDGET", "3", "unknown setting SWE_SLEEP_SLEEP__BUDGET in the env"),
        ("SWE_SLEEP_SLEEP__BUDGET_S", "soon", "the environment: sleep.budget_s"),
        ("SWE_SLEEP_ENVIRONMENT__EXTRAS", "[broken", "cannot be read"),
    ],
)
def test_a_bad_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=complaint):
        load()


def test_context_of_a_prompt_can_be_turned_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(tmp_path).solve.context_tokens == 600
    (tmp_path / "swe-sleep.toml").write_text("[solve]\ncontext_tokens = 200")
    assert load(tmp_path).solve.context_tokens == 200
    monkeypatch.setenv("SWE_SLEEP_SOLVE__CONTEXT_TOKENS", "0")
    assert load(tmp_path).solve.context_tokens == 0


def test_the_person_may_set_what_a_repository_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWE_SLEEP_MODEL__BASE_URL", "http://localhost:1")
    assert load().model.base_url == "http://localhost:1"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().sleep.budget_s = 5  # type: ignore[misc]
