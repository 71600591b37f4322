"""The host's end of a sandbox: requests and replies over one pair of byte streams.

Both backends start the same program inside (`inside/`) and differ only in how its standard
input and output reach us. Silence is watched: while a request is under way the program sends a
sign of life every two seconds, so that an engine that hangs is noticed and nothing waits for ever.
"""

from __future__ import annotations

import functools
import itertools
import json
import queue
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from swe_sleep.errors import EngineLost, SandboxError
from swe_sleep.sandbox.inside.frames import frame

SILENCE_S = 30.0
BACKSTOP_S = 30.0
POLL_S = 0.05
_MODULES = ("frames", "processes", "keeper", "files", "server")
_PACKAGE = "swe_sleep.sandbox.inside"
_BOOTSTRAP = f"""
import json,os,sys,types
n=int(sys.argv[1]);b=b''
while len(b)<n:b+=os.read(0,n-len(b))or sys.exit()
for p in("swe_sleep","swe_sleep.sandbox","{_PACKAGE}"):
    sys.modules[p]=m=types.ModuleType(p);m.__path__=[]
for k,s in json.loads(b):
    k="{_PACKAGE}."+k;sys.modules[k]=m=types.ModuleType(k);exec(compile(s,k,"exec"),m.__dict__)
sys.modules["{_PACKAGE}.server"].main()
"""

Reply = tuple[dict[str, Any], bytes]


class Transport(Protocol):
    """Two byte streams to a supervisor."""

    def send(self, data: bytes, timeout_s: float) -> None:
        """All of `data`; OSError (TimeoutError included) when it can't be."""
        ...

    def receive(self, timeout_s: float) -> bytes | None:
        """What there is; None when nothing came in time, empty at the end."""
        ...

    def diagnosis(self) -> str:
        """The last thing the other side said on stderr."""
        ...

    def close(self) -> None: ...


@functools.cache
def program() -> bytes:
    """The text of `inside/`."""
    folder = Path(__file__).with_name("inside")
    return json.dumps(
        [(name, (folder / f"{name}.py").read_text("utf-8")) for name in _MODULES]
    ).encode()


def command(python: str) -> list[str]:
    """The command that runs the supervisor once its text is sent."""
    return [python, "-I", "-S", "-c", _BOOTSTRAP, str(len(program()))]


class Connection:
    """Requests to one supervisor; safe to use from several threads."""

    def __init__(self, transport: Transport, lost_advice: str) -> None:
        self._transport = transport
        self._advice = lost_advice
        self._ids = itertools.count(1)
        self._sending = threading.Lock()
        self._waiting: dict[int, queue.SimpleQueue[Reply | EngineLost]] = {}
        self._guard = threading.Lock()
        self._lost: EngineLost | None = None
        self._reader = threading.Thread(target=self._read, name="sandbox", daemon=True)

    def start(self, settings: dict[str, Any], *, patience_s: float) -> dict[str, Any]:
        """Send the program and its settings; its reply. Raises EngineLost, SandboxError."""
        self._reader.start()
        self._send(program())
        return self.request(settings, patience_s=patience_s)[0]

    def request(
        self,
        header: dict[str, Any],
        body: bytes = b"",
        *,
        patience_s: float = 120.0,
        stop: Callable[[], bool] | None = None,
    ) -> Reply:
        """One request and its reply. `patience_s` is the backstop behind the limit inside; `stop`
        is polled, and once it is true the command is cancelled."""
        number = next(self._ids)
        mailbox: queue.SimpleQueue[Reply | EngineLost] = queue.SimpleQueue()
        with self._guard:
            if self._lost is not None:
                raise self._lost
            self._waiting[number] = mailbox
        try:
            self._send(frame({**header, "id": number}, body))
            reply = self._await(number, mailbox, time.monotonic() + patience_s, stop)
        finally:
            with self._guard:
                self._waiting.pop(number, None)
        head, content = reply
        if head.get("error") == "missing":
            raise FileNotFoundError(head["text"])
        if "error" in head:
            raise SandboxError(f"The sandbox refused: {head['text']}.")
        return head, content

    def close(self) -> None:
        with self._guard:
            if self._lost is None:
                self._lost = EngineLost("The sandbox is closed.")
        self._transport.close()
        if self._reader.is_alive() and threading.current_thread() is not self._reader:
            self._reader.join(timeout=5)

    def _await(
        self,
        number: int,
        mailbox: queue.SimpleQueue[Reply | EngineLost],
        until: float,
        stop: Callable[[], bool] | None,
    ) -> Reply:
        cancelled = False
        while True:
            wait_s = max(0.0, until - time.monotonic())
            try:
                reply = mailbox.get(timeout=min(wait_s, POLL_S) if stop else wait_s)
            except queue.Empty:
                if stop is not None and not cancelled and stop():
                    cancelled = True
                    until = min(until, time.monotonic() + BACKSTOP_S)
                    self._send(frame({"do": "cancel", "target": number, "id": 0}))
                if time.monotonic() < until:
                    continue
                self._fail("The sandbox did not end a command at its time limit.")
                continue
            if isinstance(reply, EngineLost):
                raise reply
            return reply

    def _send(self, data: bytes) -> None:
        try:
            with self._sending:
                self._transport.send(data, SILENCE_S)
        except OSError:
            # the reader knows better why: it sees the end of the stream, and stderr
            self._reader.join(timeout=2)
            self._fail("The sandbox takes no more requests.")
            raise self._lost or EngineLost("The sandbox is gone.") from None

    def _read(self) -> None:
        buffer = bytearray()
        while True:
            try:
                data = self._transport.receive(SILENCE_S)
            except (OSError, ValueError):
                data = b""
            if data is None:
                if self._waiting:
                    return self._fail("The sandbox has been silent for too long.")
                continue
            if not data:
                return self._fail("The sandbox ended unexpectedly.")
            buffer += data
            while len(buffer) >= 8:
                head, body = struct.unpack_from(">II", buffer)
                if len(buffer) < 8 + head + body:
                    break
                header = json.loads(buffer[8 : 8 + head])
                content = bytes(buffer[8 + head : 8 + head + body])
                del buffer[: 8 + head + body]
                with self._guard:
                    mailbox = self._waiting.get(header["id"])
                if mailbox is not None:
                    mailbox.put((header, content))

    def _fail(self, message: str) -> None:
        with self._guard:
            if self._lost is None:
                said = self._transport.diagnosis()
                self._lost = EngineLost(f"{message} {said}".strip(), self._advice)
            for mailbox in self._waiting.values():
                mailbox.put(self._lost)
