"""What is sent in message batches: gathered, posted together, and collected by whoever comes later.

    gathered --post--> posting --the server's id--> posted --results--> answered | failed | again

A pass may be killed anywhere:

- before the post is written down: nothing was sent, and what was gathered is forgotten;
- between that and the server's id: the batch may be there or not. The server's batches since the
  one that was its newest before the post are looked through; only results name the requests, so
  those of the same size are waited for. Where none has ours, they were never posted;
- after that: the batch is asked for again, seldom, until it has ended;
- while its results come in: each is kept in one transaction, and those that are here are skipped
  when the results are read again.

So no request is posted twice while its first post may still be answered, and no answer is lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from swe_sleep.model.batches import Batches, Result
from swe_sleep.model.client import size_bytes
from swe_sleep.model.faults import ModelFault
from swe_sleep.notes.asked import Asked, Post, Row
from swe_sleep.sleep.limits import LONGEST_LOOK_S, Moment, until_look

FIRST_LOOK_S = 30.0
UNSURE_S = 60.0
"""A batch that the server does not list so long after it was posted was never made."""
READS = 3
"""Results that are whole and yet lack some requests are read so often."""
MOST_REQUESTS = 1000
MOST_BYTES = 30_000_000
"""Of one batch; the server takes more."""
POST_S = 30.0

REFUSED = frozenset({"limited", "request", "denied", "money", "no_key", "unknown_model", "context"})
"""Faults after which it is sure that no batch was made."""


@dataclass
class Outbox:
    """`settle` is told what became of a request; None: its answer is lost."""

    asked: Asked
    batches: Batches
    settle: Callable[[Row, Result | None], None]
    clock: Callable[[], Moment]
    progress: Callable[[str], None] = lambda line: None
    _gathered: dict[str, Mapping[str, object]] = field(default_factory=dict)

    def gather(self, key: str, params: Mapping[str, object]) -> None:
        """Its row says "gathered" by now."""
        self._gathered[key] = params

    def take_back(self, key: str) -> bool:
        """Whether it was not sent yet, and will not be."""
        if self._gathered.pop(key, None) is None:
            return False
        self.asked.forget([key], "gathered")
        return True

    def forget(self) -> None:
        """Send nothing of what was gathered."""
        keys = [*self._gathered, *(row.key for row in self.asked.rows("gathered"))]
        self._gathered.clear()
        self.asked.forget(keys, "gathered")

    # -- posting -----------------------------------------------------------------------------------

    def post(self) -> None:
        """Send what was gathered. Raises ModelFault, and what was not sent is forgotten then: it is
        planned again; what may have been sent is looked for later."""
        while self._gathered:
            part: dict[str, Mapping[str, object]] = {}
            size = 0
            for key, params in self._gathered.items():
                size += size_bytes(params)
                if part and (size > MOST_BYTES or len(part) == MOST_REQUESTS):
                    break
                part[key] = params
            try:
                self._post(part)
            except ModelFault:
                self.forget()
                raise
            for key in part:
                self._gathered.pop(key, None)

    def _post(self, part: Mapping[str, Mapping[str, object]]) -> None:
        newest = self.batches.newest()
        wall = self.clock().wall
        post = Post(uuid.uuid4().hex, "", newest, len(part), 0, 0, wall + FIRST_LOOK_S, wall)
        self.asked.begin_post(post, list(part))
        try:
            batch = self.batches.create(list(part.items()), timeout_s=POST_S)
        except ModelFault as fault:
            if fault.kind in REFUSED or fault.kind == "no_batches":
                self.asked.never_posted(post.id)
            raise
        self.asked.posted(post.id, batch.id)
        self.progress(f"asked {len(part)} things in a batch; the answers are collected later")

    # -- collecting --------------------------------------------------------------------------------

    def collect(self) -> int:
        """Look after the batches whose turn it is; how many requests came to their end."""
        ended = 0
        for post in self.asked.posts():
            moment = self.clock()
            if until_look(post.next_look, moment.wall) > 0:
                continue
            looks = post.looks + 1
            pause_s = min(LONGEST_LOOK_S, FIRST_LOOK_S * 2**looks)
            post = replace(post, looks=looks, next_look=moment.wall + pause_s)
            try:
                ended += self._found(post) if post.batch else self._looked_for(post)
            except ModelFault as fault:
                if fault.kind == "stopped":
                    break
                self.asked.looked(post)
                self.progress(f"a batch cannot be collected yet: {fault}")
        return ended

    def _found(self, post: Post) -> int:
        try:
            batch = self.batches.get(post.batch)
        except ModelFault as fault:
            if fault.kind != "no_batches":
                raise
            rows = self.asked.rows("posted", post.id)  # it is kept for weeks, but not for ever
            for row in rows:
                self.settle(row, None)
            self.asked.end_post(post.id)
            return len(rows)
        self.asked.looked(post)
        return self._read(post) if batch.ended else 0

    def _looked_for(self, post: Post) -> int:
        """Is a batch on the server the one of this post?"""
        known = {each.batch for each in self.asked.posts()}
        keys = {row.key for row in self.asked.rows("posting", post.id)}
        unsure = False
        for batch in self.batches.since(post.newest):
            if batch.id in known or batch.size != post.size:
                continue
            if not batch.ended:
                unsure = True
            elif any(result.custom_id in keys for result in self.batches.results(batch.id)):
                self.asked.posted(post.id, batch.id)
                return self._read(replace(post, batch=batch.id))
        if not unsure and (self.clock().wall - post.at >= UNSURE_S or post.looks > 2):
            self.asked.never_posted(post.id)
        else:
            self.asked.looked(post)
        return 0

    def _read(self, post: Post) -> int:
        waiting = {row.key: row for row in self.asked.rows("posted", post.id)}
        ended = 0
        for result in self.batches.results(post.batch):
            row = waiting.pop(result.custom_id, None)
            if row is not None:  # else it is not ours, is there twice, or is here already
                self.settle(row, result)
                ended += 1
        if waiting and post.reads + 1 < READS:
            self.asked.looked(replace(post, reads=post.reads + 1))
            return ended
        for row in waiting.values():
            self.settle(row, None)
            ended += 1
        self.asked.end_post(post.id)
        return ended
