"""Masking of secrets in text that leaves the sandbox.

A small set of patterns on purpose: only keys whose form gives them away, so that code under
repair, with its made-up passwords and tokens, is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "[secret masked]"

_FORMS = re.compile(
    "|".join(
        (
            r"\bsk-ant-[A-Za-z0-9_-]{20,}",
            r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{40,}",
            r"\bgh[pousr]_[A-Za-z0-9]{36,}\b",
            r"\bgithub_pat_[A-Za-z0-9_]{60,}\b",
            r"\bglpat-[A-Za-z0-9_-]{20,}",
            r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
            r"\bAIza[0-9A-Za-z_-]{35}\b",
            r"\bxox[abprs]-[0-9A-Za-z-]{20,}",
            r"\b[rs]k_live_[0-9A-Za-z]{20,}\b",
            r"\bpypi-AgE[A-Za-z0-9_-]{50,}",
            r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]+-----|\Z)",
        )
    )
)


class Masker:
    """Masks keys by their form, and the given values (the person's own key) wherever they are."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = sorted({value for value in values if len(value) >= 8}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        if self._values is not None:
            text = self._values.sub(MASK, text)
        return _FORMS.sub(MASK, text)
