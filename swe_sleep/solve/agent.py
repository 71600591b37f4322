"""The agent's loop: ask the model, run the tools it calls, until it submits or something ends.

Whatever ends it, the best patch so far is given back.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence

from swe_sleep.errors import BudgetExceeded, RepositoryError, SandboxError
from swe_sleep.model.catalogue import abilities
from swe_sleep.model.faults import ModelFault
from swe_sleep.model.protocol import Block, Message, Model, OnText, Reply, Request, ToolCall, user
from swe_sleep.prompts.render import prompt_hash, render
from swe_sleep.records import ContextLine, Issue, Usage
from swe_sleep.solve.conversation import FULL, Conversation, nudge
from swe_sleep.solve.progress import PatchSoFar
from swe_sleep.solve.resume import Resumed
from swe_sleep.solve.tools import QUIET, RunTests, Submit, Toolbox, brief, context_text
from swe_sleep.solve.work import AgentOptions, Ending, Recorder, Work

MOST_STUMBLES = 3
"""So many turns in a row without a step forward end the run."""


class Agent:
    """One run on one issue in one open sandbox. Everything it touches is handed in."""

    def __init__(
        self,
        model: Model,
        toolbox: Toolbox,
        patch: PatchSoFar,
        submit: Submit,
        tests: RunTests,
        *,
        recorder: Recorder | None = None,
        remaining: Callable[[], str] = lambda: "",
        progress: Callable[[str], None] = lambda line: None,
        on_text: OnText | None = None,
        options: AgentOptions | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._model = model
        self._toolbox = toolbox
        self._patch = patch
        self._submit = submit
        self._tests = tests
        self._remaining = remaining
        self._progress = progress
        self._on_text = on_text
        self._options = options or AgentOptions()
        self._stop = stop
        bound = abilities(model.name).bound
        self._said = Conversation(recorder, self._options.masking, bound, progress)
        self._system = render(f"{self._options.prompts}_system")
        self._tools = toolbox.definitions
        self._usage = Usage()
        self._stumbles = 0

    def work(
        self, issue: Issue, known: Sequence[ContextLine] = (), resumed: Resumed | None = None
    ) -> Work:
        """`resumed` is an earlier part of this run; the sandbox is as that part left it."""
        try:
            if resumed is None:
                self._begin(issue, known)
            else:
                self._go_on(resumed)
            while True:
                reply = self._ask()
                ended = None if reply is None else self._step(reply)
                if ended is not None:
                    return self._end(*ended)
        except BudgetExceeded as error:
            return self._end("stopped" if self._stop() else "budget", str(error))
        except ModelFault as error:
            return self._end("stopped" if error.kind == "stopped" else "model", str(error))
        except (SandboxError, RepositoryError) as error:
            return self._end("stopped" if self._stop() else "sandbox", str(error))

    def _begin(self, issue: Issue, known: Sequence[ContextLine]) -> None:
        fence = self._toolbox.fence
        parts = {"issue": issue.text, "tests": "\n".join(issue.test_ids)}
        parts |= {"background": issue.background, "known": context_text(known)}
        parts |= self._options.more
        masked = {name: self._toolbox.masker(text.strip()) for name, text in parts.items()}
        fenced = {name: fence.around(text) if text else "" for name, text in masked.items()}
        self._said.record(
            "header",
            model=self._model.name,
            options=dataclasses.asdict(self._options),
            snapshot=self._patch.original.id,
            head=self._patch.original.head,
            prompt=prompt_hash(self._system, repr(self._tools)),
            system=self._system,
            tools=self._tools,
            tag=fence.tag,
            issue=dataclasses.asdict(issue),
        )
        fenced["own_tests"] = "yes" if self._options.own_tests else ""
        self._said.say(user(render(f"{self._options.prompts}_first", tag=fence.tag, **fenced)))

    def _go_on(self, before: Resumed) -> None:
        """What was sent stays as it was sent, even if today's prompt would be another."""
        self._system, self._tools = before.begun.system, before.begun.tools
        self._said.messages = before.messages
        self._usage = before.usage
        self._patch.take_up(before.green)
        self._said.record("resumed")
        if before.unanswered:
            self._answer(before.unanswered)
        self._said.say(user(render("resumed")))

    def _ask(self) -> Reply | None:
        """One turn; None where it failed but is worth asking again."""
        request = Request(
            system=self._system,
            messages=self._said.messages,
            tools=self._tools,
            max_tokens=self._options.max_tokens,
            effort=self._options.effort,
            purpose=self._options.purpose,
            stop=self._stop,
        )
        try:
            reply = self._model.turn(request, on_text=self._on_text)
        except ModelFault as fault:
            self._usage += fault.usage
            usage = dataclasses.asdict(fault.usage)
            self._said.record("fault", fault=fault.kind, why=str(fault), usage=usage)
            self._stumbles += 1
            if self._stumbles >= MOST_STUMBLES:
                raise
            if fault.kind == "cut" or (fault.kind == "context" and self._said.shorten()):
                return None
            raise
        self._usage += reply.usage
        self._said.record("usage", stop=reply.stop, usage=dataclasses.asdict(reply.usage))
        return reply

    def _step(self, reply: Reply) -> tuple[Ending, str] | None:
        """Take a reply in; gives the ending, if this was one."""
        if reply.stop == "refusal":
            return "refused", reply.refusal or "The model refused to go on."
        if reply.blocks:
            invalid = {call.call_id: call.invalid for call in reply.calls if call.invalid}
            self._said.say(Message("assistant", reply.blocks), invalid)
        if reply.calls:
            self._answer(reply.calls)
            if self._submit.summary is not None:
                return "submitted", self._submit.summary
            forward = any(not call.invalid for call in reply.calls)
        else:
            forward = reply.stop == "pause_turn"  # sent back as it is, the turn goes on
            if not forward:
                self._said.say(user(render(nudge(reply))))
        self._stumbles = 0 if forward else self._stumbles + 1
        if self._stumbles >= MOST_STUMBLES:
            return "stuck", "The model made no step forward in several turns."
        if reply.stop == FULL:
            self._said.shorten()
        else:
            self._said.shorten_if_long(reply.usage.prompt_tokens)
        return None

    def _answer(self, calls: Sequence[ToolCall]) -> None:
        """Run the calls of one turn in order, and answer them together."""
        results: list[Block] = []
        for call in calls:
            if self._stop():  # left unanswered, the calls are run again if the run is taken up
                raise ModelFault("stopped", "The run was stopped.")
            if call.name not in QUIET:  # what follows may undo it
                self._tests.green = False
            self._progress(f"{call.name} {brief(call.input)}".rstrip())
            left = self._remaining() if call is calls[-1] else ""
            results.append(self._toolbox.run(call, left))
        if self._patch.look(green=self._tests.green):
            now = self._patch.now
            self._said.record("patch", diff=now.diff, paths=now.paths, green=self._tests.green)
        self._said.answer(tuple(results))

    def _end(self, ending: Ending, why: str) -> Work:
        with contextlib.suppress(SandboxError):  # a turn that was broken off may have changed much
            self._patch.look(green=False)
        patch = self._patch.best(submitted=ending == "submitted")
        patch = dataclasses.replace(patch, summary=self._submit.summary or "")
        usage = dataclasses.replace(self._usage, test_runs=self._tests.runs)
        green = self._patch.is_green(patch)
        self._said.record("end", ending=ending, why=why, diff=patch.diff, green=green)
        return Work(patch, ending, why, usage, green)
