"""The agent's loop: ask the model, run the tools it calls, until it submits or something ends.

Whatever ends it, the best patch so far is given back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from swe_sleep.errors import BudgetExceeded, RepositoryError, SandboxError, StoreError
from swe_sleep.model.catalogue import abilities
from swe_sleep.model.faults import ModelFault
from swe_sleep.model.protocol import Block, Message, Model, OnText, Reply, Request, user
from swe_sleep.prompts.render import prompt_hash, render
from swe_sleep.records import ContextLine, Issue, Usage
from swe_sleep.solve.masking import MaskPolicy, mask
from swe_sleep.solve.progress import PatchSoFar
from swe_sleep.solve.tools import RunTests, Submit, Toolbox, context_text
from swe_sleep.solve.work import AgentOptions, Ending, NoRecorder, Recorder, Work

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
    ) -> None:
        self._model = model
        self._toolbox = toolbox
        self._patch = patch
        self._submit = submit
        self._tests = tests
        self._recorder = recorder or NoRecorder()
        self._remaining = remaining
        self._progress = progress
        self._on_text = on_text
        self._options = options or AgentOptions()
        self._system = render("solve_system")
        self._messages: tuple[Message, ...] = ()
        self._usage = Usage()
        self._stumbles = 0

    def work(self, issue: Issue, known: Sequence[ContextLine] = ()) -> Work:
        self._begin(issue, known)
        while True:
            try:
                reply = self._ask()
                if reply is None:
                    continue
                ended = self._step(reply)
                if ended is not None:
                    return self._end(*ended)
            except BudgetExceeded as error:
                return self._end("budget", str(error))
            except ModelFault as error:
                return self._end("model", str(error))
            except (SandboxError, RepositoryError) as error:
                return self._end("sandbox", str(error))

    def _begin(self, issue: Issue, known: Sequence[ContextLine]) -> None:
        fence = self._toolbox.fence
        parts = {"issue": issue.text, "tests": "\n".join(issue.test_ids)}
        parts["known"] = context_text(known)
        masked = {name: self._toolbox.masker(text.strip()) for name, text in parts.items()}
        fenced = {name: fence.around(text) if text else "" for name, text in masked.items()}
        first = render("solve_first", tag=fence.tag, **fenced)
        self._record(
            "header",
            model=self._model.name,
            options=dataclasses.asdict(self._options),
            prompt=prompt_hash(self._system, repr(self._toolbox.definitions)),
            system=self._system,
            tools=self._toolbox.definitions,
            tag=fence.tag,
            issue=dataclasses.asdict(issue),
        )
        self._say(user(first))

    def _ask(self) -> Reply | None:
        """One turn; None where it failed but is worth asking again."""
        request = Request(
            system=self._system,
            messages=self._messages,
            tools=self._toolbox.definitions,
            max_tokens=self._options.max_tokens,
            effort=self._options.effort,
            purpose=self._options.purpose,
        )
        try:
            reply = self._model.turn(request, on_text=self._on_text)
        except ModelFault as fault:
            self._usage += fault.usage
            self._record("fault", fault=fault.kind, why=str(fault))
            self._stumbles += 1
            if self._stumbles >= MOST_STUMBLES:
                raise
            if fault.kind == "cut" or (fault.kind == "context" and self._shorten(force=True)):
                return None
            raise
        self._usage += reply.usage
        self._record("usage", stop=reply.stop, usage=dataclasses.asdict(reply.usage))
        return reply

    def _step(self, reply: Reply) -> tuple[Ending, str] | None:
        """Take a reply in; gives the ending, if this was one."""
        if reply.stop == "refusal":
            return "refused", reply.refusal or "The model refused to go on."
        if reply.blocks:
            self._say(Message("assistant", reply.blocks))
        if reply.calls:
            self._answer(reply)
            if self._submit.summary is not None:
                return "submitted", self._submit.summary
            forward = any(not call.invalid for call in reply.calls)
        elif reply.stop == "pause_turn":
            forward = True  # sent back as it is, the turn goes on
        else:
            template = "no_submit" if reply.blocks else "empty_reply"
            if reply.stop in ("max_tokens", "model_context_window_exceeded"):
                template = "cut_reply"
            self._say(user(render(template)))
            forward = False
        self._stumbles = 0 if forward else self._stumbles + 1
        if self._stumbles >= MOST_STUMBLES:
            return "stuck", "The model made no step forward in several turns."
        policy = self._options.masking
        full = reply.stop == "model_context_window_exceeded"
        if full or (policy is not None and reply.usage.prompt_tokens > policy.above_tokens):
            self._shorten(force=full)
        return None

    def _answer(self, reply: Reply) -> None:
        """Run the calls of one turn in order, and answer them together."""
        results: list[Block] = []
        for call in reply.calls:
            self._tests.green = False  # what follows may undo it
            self._progress(f"{call.name} {_brief(call.input)}".rstrip())
            last = call is reply.calls[-1]
            results.append(self._toolbox.run(call, self._remaining() if last else ""))
        self._say(Message("user", tuple(results)))
        if self._patch.look(green=self._tests.green):
            now = self._patch.now
            self._record("patch", diff=now.diff, paths=now.paths, green=self._tests.green)

    def _say(self, message: Message) -> None:
        self._messages += (message,)
        self._record("message", role=message.role, blocks=message.blocks)

    def _record(self, kind: str, **values: object) -> None:
        try:
            self._recorder.write(kind, **values)
        except StoreError as error:  # a full disk must not cost the work
            self._recorder = NoRecorder()
            self._progress(f"The run is no longer recorded. {error}")

    def _shorten(self, *, force: bool) -> bool:
        bound = abilities(self._model.name).bound
        policy = self._options.masking or MaskPolicy()
        shorter = mask(self._messages, policy, bound=bound, force=force)
        if shorter is None:
            return False
        self._messages = shorter
        self._record("masked", keep=policy.keep, bound=bound, force=force)
        return True

    def _end(self, ending: Ending, why: str) -> Work:
        patch = self._patch.best(submitted=ending == "submitted")
        patch = dataclasses.replace(patch, summary=self._submit.summary or "")
        usage = dataclasses.replace(self._usage, test_runs=self._tests.runs)
        green = self._patch.is_green(patch)
        self._record("end", ending=ending, why=why, diff=patch.diff, green=green)
        return Work(patch, ending, why, usage, green)


def _brief(values: Mapping[str, object]) -> str:
    line = " ".join(" ".join(str(value) for value in values.values()).split())
    return line if len(line) <= 80 else line[:77] + "..."
