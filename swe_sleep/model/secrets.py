"""Masking of secrets in text that leaves the sandbox, and putting them back where they belong.

Three kinds are masked: keys whose form gives them away (the forms that their issuers publish, so
that scanners can find them); random-looking values given to a name that says it is a secret; and
values that are known to be secret, wherever they stand. Made-up passwords in code under repair are
not: the model has to see the code as it is.

The same secret is the same placeholder every time, so that a conversation stays as it was sent.
"""

from __future__ import annotations

import hmac
import math
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2s

MASK = "[secret masked"
"""What every placeholder begins with."""
PLACEHOLDER = re.compile(re.escape(MASK) + r" [0-9a-f]{8}\]")
LEAST_CHARS = 8
"""A known value that is shorter is no secret worth the name, and may be part of any word."""
LEAST_BITS = 3.5
"""Shannon entropy, per character, of a value that looks random; English words have less."""

FORMS: dict[str, tuple[str, str]] = {
    "Anthropic": ("sk-ant-", r"\bsk-ant-[\w-]{20,}"),
    "OpenAI": ("sk-", r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{40,}"),
    "AWS key id": ("AKIA ASIA ABIA ACCA", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    "Azure storage": ("AccountKey=", r"(?<=AccountKey=)[A-Za-z0-9+/]{86}=="),
    "Google API": ("AIza", r"\bAIza[\w-]{35}(?![\w-])"),
    "Google OAuth": ("GOCSPX- ya29.", r"\bGOCSPX-[\w-]{28}(?![\w-])|\bya29\.[\w-]{30,}"),
    "GitHub": (
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{60,}",
    ),
    "GitLab": ("gl", r"\bgl(?:pat|ptt|rt|dt|cbt|ft|soat|imt|agent|oas)-[\w-]{20,}"),
    "Atlassian": ("ATATT3x ATCTT3x", r"\bAT(?:ATT3x|CTT3x)[\w=-]{60,}"),
    "Slack": ("xox xapp-", r"\bxox[abeoprs]-[\dA-Za-z-]{20,}|\bxapp-\d-[\dA-Za-z-]{20,}"),
    "Slack hook": (
        "hooks.slack.com",
        r"(?<=hooks\.slack\.com/services/)T\w{6,}/B\w{6,}/\w{20,}",
    ),
    "Discord": (".", r"\b[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}"),
    "Telegram": (":AA", r"\b\d{8,10}:AA[\w-]{33}(?![\w-])"),
    "Stripe": ("k_live_ whsec_", r"\b[rs]k_live_[\dA-Za-z]{20,}|\bwhsec_[\dA-Za-z+/=]{30,}"),
    "Square": ("sq0", r"\bsq0(?:atp|csp)-[\w-]{22,}"),
    "Shopify": ("shp", r"\bshp(?:at|ca|pa|ss)_[\da-fA-F]{32}\b"),
    "PyPI": ("pypi-AgE", r"\bpypi-AgE[\w-]{50,}"),
    "npm": ("npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    "RubyGems": ("rubygems_", r"\brubygems_[\da-f]{48}\b"),
    "crates.io": ("cio", r"\bcio[A-Za-z0-9]{32}\b"),
    "Docker Hub": ("dckr_", r"\bdckr_[op]at_[\w-]{27,}"),
    "Artifactory": ("AKC", r"\bAKC[a-zA-Z0-9]{60,}"),
    "Hugging Face": ("hf_ api_org_", r"\b(?:hf|api_org)_[A-Za-z]{34}\b"),
    "SendGrid": ("SG.", r"\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])"),
    "Mailchimp": ("-us", r"\b[\da-f]{32}-us\d{1,2}\b"),
    "Mailgun": ("key-", r"\bkey-[\da-f]{32}\b"),
    "Twilio": ("SK", r"\bSK[\da-f]{32}\b"),
    "DigitalOcean": ("_v1_", r"\bdo[opr]_v1_[\da-f]{64}\b"),
    "Heroku": ("HRKU-", r"\bHRKU-[\w-]{36,}"),
    "Databricks": ("dapi", r"\bdapi[\da-f]{32}\b"),
    "Vault": ("hv", r"\bhv[sbr]\.[\w-]{24,}"),
    "Terraform": (".atlasv1.", r"\b[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}"),
    "Grafana": ("glsa_ glc_", r"\bgl(?:sa|c)_[A-Za-z0-9_=-]{32,}"),
    "New Relic": ("NR", r"\bNR(?:AK|II|RA)-[A-Za-z0-9_-]{27,}"),
    "Sentry": ("sntr", r"\bsntr[yu]s?_[A-Za-z0-9_=+/-]{60,}"),
    "Linear": ("lin_", r"\blin_(?:api|oauth)_[A-Za-z0-9]{40,}"),
    "Postman": ("PMAK-", r"\bPMAK-[\da-f]{24}-[\da-f]{34}\b"),
    "Dropbox": ("sl.", r"\bsl\.[\w-]{130,}"),
    "age": ("AGE-SECRET-KEY-1", r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b"),
    "JSON web token": ("eyJ", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}"),
    "private key": (
        "PRIVATE KEY",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|\Z)",
    ),
}
"""By issuer: what such a key has in it (one of these words, for speed), and its form."""
_FORMS = [(needles.split(), re.compile(form)) for needles, form in FORMS.values()]

_NAMED = re.compile(
    r"""(?ix) (?: passw(?:or)?d | passphrase | secret | token | credential
        | (?:api|access|auth|account|private|encryption|signing|master|client|service) _? -? key )
        \w{0,20} ["']? \s{0,3} (?: [:=] | :=  | => | = )\s{0,3}
        (?: [rbu]? (?P<quote>["']) )? (?P<value> [\w+/=.~@!#$%^&*-]{16,200} )
        (?(quote)(?P=quote)|(?=[\s,;&)]|$))"""
)
_LOGIN = re.compile(
    r"(?i)(?<=://)[\w.%+-]{1,64}:(?P<value>[^\s:/?#\[\]@'\"<>{}$]{8,200})@(?=[\w\[])"
)
_MADE_UP = re.compile(
    r"(?i)example|changeme|placeholder|dummy|your|xxxx|secret|passw|token|test|1234|abcd|<|\$\{"
)
"""What says of itself that it is made up, and templates."""
_SHAPES = re.compile(
    r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[a-z]+(?:[_.-][a-z]+)*|[A-Z_]+|[\W\d_]+"
    r"|.*(?:\.\.|\$\{|%\(|%40|@.+\.).*"
)
"""Names, constants, attributes and templates."""


class Masker:
    """Masks, and remembers what each placeholder stands for. Safe for threads: what one of them
    learns twice is the same. `key` makes placeholders the same from one process to the next."""

    def __init__(self, values: Iterable[str] = (), *, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self._behind: dict[str, str] = {}
        known = sorted({v for v in values if len(v) >= LEAST_CHARS}, key=len, reverse=True)
        whole = "|".join(map(re.escape, known))  # not in the middle of a longer word
        self._values = re.compile(rf"(?<![A-Za-z0-9])(?:{whole})(?![A-Za-z0-9])") if known else None

    def __call__(self, text: str) -> str:
        for needles, form in _FORMS:
            if any(needle in text for needle in needles):
                text = form.sub(lambda match: self._placeholder(match[0]), text)
        if self._values is not None:
            text = self._values.sub(lambda match: self._placeholder(match[0]), text)
        text = _LOGIN.sub(self._valued, text)
        return _NAMED.sub(self._valued, text)

    def put_back(self, text: str, there: str) -> str:
        """The text with its secrets for placeholders; `there` is the text that must have held them
        before. Raises ValueError for any other, with the placeholder."""

        def secret(match: re.Match[str]) -> str:
            value = self._behind.get(match[0])
            if value is None or value not in there:
                raise ValueError(match[0])
            return value

        return PLACEHOLDER.sub(secret, text)

    def _valued(self, match: re.Match[str]) -> str:
        value = match["value"]
        if not looks_random(value):
            return match[0]
        start, end = (place - match.start() for place in match.span("value"))
        return match[0][:start] + self._placeholder(value) + match[0][end:]

    def _placeholder(self, value: str) -> str:
        digest = hmac.new(self._key, value.encode("utf-8", "surrogatepass"), blake2s).hexdigest()
        placeholder = f"{MASK} {digest[:8]}]"
        self._behind[placeholder] = value
        return placeholder


def looks_random(value: str) -> bool:
    """Whether a value can hardly be a word, a name or an expression."""
    if _SHAPES.fullmatch(value) or made_up(value):
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", r"\d"))
    return kinds >= 2 and entropy(value) >= LEAST_BITS


def made_up(value: str) -> bool:
    """Whether a value stands for a secret that is to be put in its place."""
    return bool(_MADE_UP.search(value) or PLACEHOLDER.search(value))


def logins(text: str) -> Iterator[str]:
    """Passwords in the addresses of a text."""
    return (match["value"] for match in _LOGIN.finditer(text))


def entropy(value: str) -> float:
    """Bits per character, by the value's own frequencies (Shannon 1948)."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values())
