"""The sockets of one HTTP client, so that they can be shut down under whoever waits for them.

Closing a response or a client from another thread does not wake a thread that reads from its
socket, and the server goes on writing a reply that nobody wants, and counting it.
"""

from __future__ import annotations

import contextlib
import socket
import weakref
from collections.abc import Mapping
from typing import Any


class Sockets:
    """`watch` is a request hook of the client."""

    def __init__(self) -> None:
        self._streams: weakref.WeakSet[Any] = weakref.WeakSet()

    def watch(self, request: Any) -> None:
        request.extensions = {**request.extensions, "trace": self._trace}

    def _trace(self, name: str, info: Mapping[str, Any]) -> None:
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._streams.add(info["return_value"])

    def shut_down(self) -> None:
        """End whatever is under way."""
        for stream in list(self._streams):
            with contextlib.suppress(OSError, AttributeError):  # closed already, or no socket
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
