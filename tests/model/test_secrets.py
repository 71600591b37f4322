"""What is masked, what is not, and that a masked value can be put back where it was.

The keys are made here, from parts: none is real, and no scanner needs to cry.
"""

from __future__ import annotations

import random
import re
import string
from pathlib import Path

import pytest

from swe_sleep.model.known_secrets import masker, of_environment
from swe_sleep.model.secrets import FORMS, MASK, PLACEHOLDER, Masker
from swe_sleep.records import Entry
from swe_sleep.repo.hashing import blob_of
from swe_sleep.repo.snapshot import REGULAR, Snapshot

RANDOM = random.Random(7)
LETTERS = string.ascii_letters
WORD = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
BASE = string.ascii_letters + string.digits + "+/"


def some(count: int, letters: str = WORD) -> str:
    return "".join(RANDOM.choices(letters, k=count))


KEYS = {
    "Anthropic": "sk-" + "ant-api03-" + some(80),
    "OpenAI": "sk-" + "proj-" + some(60),
    "AWS key id": "AKIA" + some(16, "ABCDEFGHJK234567"),
    "Azure storage": "AccountKey=" + some(86, BASE) + "==",
    "Google API": "AIza" + some(35),
    "Google OAuth": "GOC" + "SPX-" + some(28),
    "GitHub": "ghp_" + some(36),
    "GitHub, fine-grained": "github_" + "pat_" + some(82),
    "GitLab": "glpat-" + some(20),
    "Atlassian": "ATA" + "TT3x" + some(180),
    "Slack": "xox" + "b-" + some(12, string.digits) + "-" + some(24),
    "Slack hook": "hooks." + f"slack.com/services/T{some(8)}/B{some(8)}/{some(24)}",
    "Discord": "M" + some(25) + "." + some(6) + "." + some(30),
    "Telegram": some(9, "123456789") + ":AA" + some(33),
    "Stripe": "sk_" + "live_" + some(24),
    "Square": "sq0" + "csp-" + some(43),
    "Shopify": "shp" + "at_" + some(32, HEX),
    "PyPI": "pypi-" + "AgE" + some(120),
    "npm": "npm_" + some(36),
    "RubyGems": "rubygems_" + some(48, HEX),
    "crates.io": "cio" + some(32),
    "Docker Hub": "dckr_" + "pat_" + some(27),
    "Artifactory": "AKC" + some(70),
    "Hugging Face": "hf_" + some(34, LETTERS),
    "SendGrid": "SG." + some(22) + "." + some(43),
    "Mailchimp": some(32, HEX) + "-us" + "12",
    "Mailgun": "key-" + some(32, HEX),
    "Twilio": "SK" + some(32, HEX),
    "DigitalOcean": "dop_" + "v1_" + some(64, HEX),
    "Heroku": "HRKU-" + some(60),
    "Databricks": "dapi" + some(32, HEX),
    "Vault": "hvs." + some(90),
    "Terraform": some(14) + ".atlasv1." + some(64),
    "Grafana": "glsa_" + some(32) + "_" + some(8, HEX),
    "New Relic": "NRAK-" + some(27),
    "Sentry": "sntrys_" + some(100),
    "Linear": "lin_" + "api_" + some(40),
    "Postman": "PMAK-" + some(24, HEX) + "-" + some(34, HEX),
    "Dropbox": "sl." + some(140),
    "age": "AGE-SECRET-" + "KEY-1" + some(58, string.ascii_uppercase),
    "JSON web token": "eyJ" + some(30) + ".eyJ" + some(60) + "." + some(43),
    "private key": "-----BEGIN RSA " + f"PRIVATE KEY-----\n{some(64)}\n{some(20)}\n-----END RSA "
    "PRIVATE KEY-----",
    "private key, cut off": "-----BEGIN OPENSSH " + f"PRIVATE KEY-----\n{some(64)}",
}
NAMED = {
    "AWS": ("aws_secret_access_key = ", "wJ4r" + some(34, BASE) + "9Z", ""),
    "Django": ('SECRET_KEY = "', "k9#v" + some(40) + "!x2", '"'),
    "YAML": ("  client-secret: ", "Q8z" + some(29), "\n"),
    "JSON": ('{"api_key": "', "7Hq" + some(29), '"}'),
    "shell": ("export DB_PASSWORD='", "p4S" + some(21), "'"),
    "keyword": ("connect(password='", "p4S" + some(21), "')"),
    "login": ("postgres://shop:", "p4S" + some(11), "@db.local/shop"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_keys_are_masked_by_their_form(kind: str) -> None:
    key = KEYS[kind]
    masked = Masker()(f"print({key!r})\nit is {key}\n")
    value = key.removeprefix("AccountKey=").rpartition("/services/")[2]
    assert value not in masked
    assert masked.count(MASK) == 2 or kind == "private key, cut off"
    assert masked.startswith("print('")


def test_every_form_is_tried() -> None:
    assert {name.partition(",")[0] for name in KEYS} == set(FORMS)


@pytest.mark.parametrize("kind", NAMED)
def test_random_values_are_masked_where_a_name_says_what_they_are(kind: str) -> None:
    before, value, after = NAMED[kind]
    masked = Masker()(before + value + after)
    assert re.fullmatch(re.escape(before) + PLACEHOLDER.pattern + re.escape(after), masked)


@pytest.mark.parametrize(
    "text",
    [
        "password = 'hunter2'",
        "SECRET_KEY = 'django-insecure-0123456789abcdef'",
        "TOKEN = settings.SESSION_TOKEN_NAME_2",
        "token = self.tokens.next_token_2(a)",
        "secret_key=os.environ['SHOP_SECRET_KEY_2']",
        "token: tokenize.TokenInfo = tokens[0]",
        "api_key = '${SHOP_API_KEY_NUMBER_2}'",
        "password = 'correct_horse_battery_staple'",
        "http://user:password@example.org/ http://user:pa55word@example.org",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "sk-learn and sk-image",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "sha256 = '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae'",
        "-----BEGIN PUBLIC KEY-----\nMFww\n-----END PUBLIC KEY-----",
    ],
)
def test_code_under_repair_is_shown_as_it_is(text: str) -> None:
    assert Masker()(text) == text


def test_the_same_secret_is_the_same_placeholder() -> None:
    mask, other = Masker(key=b"k" * 32), Masker(key=b"k" * 32)
    first, second = KEYS["GitHub"], KEYS["npm"]
    text = mask(f"{first} {second} {first}")
    one, two, three = PLACEHOLDER.findall(text)
    assert one == three != two
    assert mask(text) == text, "what is masked stays as it is"
    assert other(first) == one, "in another process too"
    assert Masker()(first) != one, "but only with the same key"


def test_a_secret_is_put_back_where_it_was_and_nowhere_else() -> None:
    mask, key = Masker(), KEYS["GitLab"]
    seen = mask(f"token = '{key}'\n")
    assert mask.put_back(seen, f"x = 1\ntoken = '{key}'\n") == f"token = '{key}'\n"
    with pytest.raises(ValueError, match=re.escape(PLACEHOLDER.findall(seen)[0])):
        mask.put_back(seen, "x = 1\n")
    with pytest.raises(ValueError, match="00000000"):
        mask.put_back(f"{MASK} 00000000]", key)


def test_known_values_are_masked_as_whole_words() -> None:
    mask = Masker(["pears-23", "short"])
    assert mask("pears-23 xpears-23 pears-234 short 'pears-23'").count(MASK) == 2


def test_secrets_of_the_environment() -> None:
    environment = {
        "ANTHROPIC_API_KEY": "one-two-3",
        "CI_JOB_TOKEN": "four-five-6",
        "PIP_INDEX_URL": "https://me:seven-eight-9@index.example/simple",
        "SSH_AUTH_SOCK": "/tmp/agent.12",
        "TOKEN_FILE": "/run/token",
        "PATH": "/usr/bin",
        "LANG": "C.UTF-8",
    }
    assert set(of_environment(environment)) == {"one-two-3", "four-five-6", "seven-eight-9"}


class InMemory:
    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def read(self, path: str, entry: Entry) -> bytes:
        return self._files[path]


def test_files_that_are_kept_for_secrets(tmp_path: Path) -> None:
    lines = [some(64), some(64)]
    whole = "\n".join(
        ("-----BEGIN PRIVATE " + "KEY-----", *lines, "-----END PRIVATE " + "KEY-----")
    )
    files = {
        ".env": (
            b"DB_PASSWORD=apples-7\nexport API_TOKEN='pears-88'\nDEBUG=yes-indeed\nPWD=postgres\n"
        ),
        ".env.example": b"DB_PASSWORD=plums-999\n",
        "certs/server.key": whole.encode(),
        "shop.py": b"PASSWORD = 'cherry-5'\n",
    }
    entries = {path: Entry(blob_of(content, "sha1"), REGULAR) for path, content in files.items()}
    snapshot = Snapshot(entries, None, None, InMemory(files))
    mask = masker({}, snapshot, tmp_path / "new")
    text = "apples-7 pears-88 yes-indeed postgres plums-999 cherry-5 " + lines[1]
    masked = mask(text)
    assert masked.count(MASK) == 3
    assert " yes-indeed postgres plums-999 cherry-5 " in masked
    assert lines[1] not in masked, "a part of the key alone"
    assert masker({}, snapshot, tmp_path / "new")(text) == masked
    assert (tmp_path / "new" / ".masking-key").stat().st_mode & 0o77 == 0
