"""The SDK's clients: Anthropic's own API, whatever speaks it, and three cloud platforms.

On the platforms the model is the same, and names, paths, keys and encodings are the SDK's
business. What is here: which of them needs what, and one clear line where it is not there.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from swe_sleep.config import DEFAULT_MODEL, Provider
from swe_sleep.model.faults import ModelFault

if TYPE_CHECKING:
    from anthropic import Anthropic


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How to reach the model. What is empty is left to the SDK, which looks at the provider's own
    variables and profiles: ANTHROPIC_API_KEY, AWS_REGION, CLOUD_ML_REGION and so on."""

    model: str = DEFAULT_MODEL
    provider: Provider = "anthropic"
    base_url: str = ""
    api_key: str = ""
    """A key, or a platform's bearer token."""
    region: str = ""
    """Bedrock's and Vertex's."""
    project: str = ""
    """Vertex's."""
    resource: str = ""
    """Foundry's."""
    thinking: bool = True
    max_retries: int = 4
    timeout_s: float = 300.0
    """Seconds without a byte, not for the whole reply: it is streamed."""
    connect_timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Platform:
    """`arguments` are the client's, with the option that each takes."""

    client: str
    package: str
    arguments: Mapping[str, str]
    advice: str


PLATFORMS: Mapping[Provider, Platform] = {
    "bedrock": Platform(
        "AnthropicBedrock",
        "boto3",
        {"aws_region": "region", "api_key": "api_key"},
        "Set AWS's own variables or profile, and model.region (or AWS_REGION).",
    ),
    "vertex": Platform(
        "AnthropicVertex",
        "google.auth",
        {"region": "region", "project_id": "project", "access_token": "api_key"},
        "Log in with gcloud's application-default login; set model.region and model.project "
        "(or CLOUD_ML_REGION and ANTHROPIC_VERTEX_PROJECT_ID).",
    ),
    "foundry": Platform(
        "AnthropicFoundry",
        "",
        {"resource": "resource", "api_key": "api_key"},
        "Set ANTHROPIC_FOUNDRY_API_KEY, and model.resource (or ANTHROPIC_FOUNDRY_RESOURCE).",
    ),
}


def connect(options: ClientOptions, middleware: Sequence[Any], http_client: Any) -> Anthropic:
    """The SDK's client. Raises ModelFault where something of it is missing."""
    import anthropic

    common: dict[str, Any] = {
        "max_retries": options.max_retries,
        "middleware": middleware,
        "http_client": http_client,
    }
    if options.base_url:
        common["base_url"] = options.base_url
    platform = PLATFORMS.get(options.provider)
    if platform is not None:
        return cast("Anthropic", _platform(platform, options, common))
    if options.api_key:
        common["api_key"] = options.api_key
    client = anthropic.Anthropic(**common)
    if client.api_key is None and client.auth_token is None and client.credentials is None:
        if not on_this_machine(str(client.base_url)):
            raise ModelFault("no_key", "There is no key for the model.")
        client = anthropic.Anthropic(**common, api_key="none-needed")
    return client


def on_this_machine(base_url: str) -> bool:
    """Whether a server is one of this machine's own: it needs no key, unless it says so."""
    try:
        host = urlsplit(base_url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _platform(platform: Platform, options: ClientOptions, common: dict[str, Any]) -> object:
    import anthropic

    if platform.package and not _there(platform.package):
        fault = ModelFault(
            "no_key",
            f"{options.provider} needs a package that is not installed: {platform.package}.",
        )
        fault.advice = f"Install swe-sleep[{options.provider}]."
        raise fault
    for argument, name in platform.arguments.items():
        if value := getattr(options, name):
            common[argument] = value
    try:
        return getattr(anthropic, platform.client)(**common)
    except (ValueError, anthropic.AnthropicError) as error:
        raise _unready(options.provider, platform, error) from error


def _there(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # of the package around it
        return False


def advised(fault: ModelFault, provider: Provider, error: Exception) -> ModelFault:
    """The same fault with the platform's own advice. What a platform's client raises before it
    asks, of no kind of the SDK's, is that it found no login."""
    import anthropic

    platform = PLATFORMS.get(provider)
    if platform is None:
        return fault
    if fault.kind == "reply" and not isinstance(error, anthropic.APIError):
        return _unready(provider, platform, error)
    if fault.kind in ("denied", "no_key"):
        fault.advice = platform.advice
    return fault


def _unready(provider: Provider, platform: Platform, error: Exception) -> ModelFault:
    said = " ".join(str(error).split())[:300].rstrip(".")
    fault = ModelFault("no_key", f"The client for {provider} cannot be set up: {said}.")
    fault.advice = platform.advice
    return fault
