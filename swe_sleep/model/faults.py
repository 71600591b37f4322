"""The SDK's errors, translated once into one line a person can act on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from swe_sleep.errors import ModelError
from swe_sleep.records import Usage

if TYPE_CHECKING:
    from anthropic import APIStatusError

NOTHING = Usage()

Kind = Literal[
    "no_key",
    "denied",
    "unknown_model",
    "limited",
    "overloaded",
    "server",
    "timeout",
    "connection",
    "cut",
    "context",
    "money",
    "request",
    "reply",
    "stopped",
    "no_batches",
    "expired",
]

NO_KEY_ADVICE = (
    "Set ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN), or work without a model: "
    "`--solver search` needs none."
)

ADVICE: dict[Kind, str] = {
    "no_key": NO_KEY_ADVICE,
    "denied": "Check that ANTHROPIC_API_KEY is whole, current, and allowed to use this model.",
    "unknown_model": "Set model.name to a model this server has.",
    "limited": "Wait a little, or ask for a higher rate limit.",
    "overloaded": "The server is overloaded; try again in some minutes.",
    "server": "The fault is the server's; try again in some minutes.",
    "timeout": "Try again; if it happens often, look at the network and at model.base_url.",
    "connection": "Check the network, the proxy settings and model.base_url.",
    "cut": "Try again; a proxy that ends long connections can cause this.",
    "context": "The conversation no longer fits the model's context window.",
    "money": "Look at the account's credit and spend limit.",
    "request": "",
    "reply": "If this is not Anthropic's own server, it does not speak the Messages API fully.",
    "stopped": "",
    "no_batches": "Set sleep.batch to false.",
    "expired": "",
}


class ModelFault(ModelError):
    """A turn failed for good. `usage` is what is known to have been spent on it all the same."""

    def __init__(self, kind: Kind, message: str, usage: Usage = NOTHING) -> None:
        super().__init__(message, ADVICE[kind])
        self.kind: Kind = kind
        self.usage = usage


def _said(error: object) -> str:
    """The server's own sentence, shortened to one line."""
    text = getattr(error, "api_message", None) or str(error)
    line = " ".join(str(text).split())
    return line if len(line) <= 300 else line[:297] + "..."


def _too_long(text: str) -> bool:
    lowered = text.lower()
    return "prompt is too long" in lowered or "exceed context limit" in lowered


def translate(
    error: Exception, *, model: str, retries: int, began: bool, usage: Usage
) -> ModelFault:
    """The fault for what the SDK raised. `began`: the server had begun to answer."""
    import anthropic

    def fault(kind: Kind, message: str) -> ModelFault:
        return ModelFault(kind, message, usage)

    again = f", also after {retries} retries" if retries else ""
    if isinstance(error, anthropic.CredentialsError):
        return fault("no_key", f"The credentials for the model cannot be loaded: {_said(error)}.")
    if isinstance(error, TypeError) and "authentication" in str(error):
        return fault("no_key", "There is no key for the model.")
    if isinstance(error, anthropic.APIStatusError):
        return _status(error, fault, model=model, again=again, began=began)
    if began and not isinstance(error, ValueError):  # that is what unreadable events raise
        return fault("cut", "The model's reply broke off in the middle.")
    if isinstance(error, anthropic.APITimeoutError):
        return fault("timeout", f"The model's server did not answer in time{again}.")
    if isinstance(error, anthropic.APIConnectionError):
        cause = error.__cause__ or error
        return fault("connection", f"The model's server cannot be reached{again}: {_said(cause)}.")
    return fault("reply", f"The model's server gave an answer that cannot be read: {_said(error)}.")


_STATUS = {
    "billing_error": 402,
    "request_too_large": 413,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def reported(kind: str, said: str, *, model: str) -> ModelFault:
    """The fault for an error that stands among the results of a batch."""
    status = _STATUS.get(kind, 400)
    known = kind if kind.endswith("_error") else None
    return _told(status, known, _said(said), ModelFault, model=model, again="", began=False)


def _status(
    error: APIStatusError,
    fault: Callable[[Kind, str], ModelFault],
    *,
    model: str,
    again: str,
    began: bool,
) -> ModelFault:
    status, kind, said = error.status_code, error.type, _said(error)
    return _told(status, kind, said, fault, model=model, again=again, began=began)


def _told(
    status: int,
    kind: str | None,
    said: str,
    fault: Callable[[Kind, str], ModelFault],
    *,
    model: str,
    again: str,
    began: bool,
) -> ModelFault:
    if status == 413 or (kind in ("invalid_request_error", None) and _too_long(said)):
        return fault("context", f"The request is too long for {model}: {said}")
    if kind == "overloaded_error" or status == 529:
        return fault("cut" if began else "overloaded", f"The model's server is overloaded{again}.")
    if status == 401 or kind == "authentication_error":
        return fault("denied", f"The model's server refused the key: {said}")
    if status == 403 or kind == "permission_error":
        return fault("denied", f"The key may not do this: {said}")
    if status == 402 or kind == "billing_error":
        return fault("money", f"The model's server asks for payment: {said}")
    if status == 404 or kind == "not_found_error":
        return fault("unknown_model", f"The server does not know the model {model!r}: {said}")
    if status == 429 or kind == "rate_limit_error":
        return fault("cut" if began else "limited", f"The rate limit is reached{again}: {said}")
    if status >= 500 or kind in ("api_error", "timeout_error"):
        return fault(
            "cut" if began else "server", f"The model's server failed ({status}){again}: {said}"
        )
    return fault("request", f"The model's server refused the request ({status}): {said}")
