"""Two ways of telling what `mlops up` does: lines for people, and JSON lines."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from mlops_lab.cli.shared import local, print_json, talk
from mlops_lab.errors import MlopsError
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision
from mlops_lab.runtime.first_steps import FirstSteps
from mlops_lab.runtime.up import UpSummary
from mlops_lab.serving.process.address import Address
from mlops_lab.serving.process.health_probe import HealthProbe, probe_server
from mlops_lab.status.words import count, decided, span

FEEL_SECONDS = 2.0


class JsonLines:
    """One JSON object a line: `ready`, `decision`, `error`, `stopped`."""

    def __init__(self, project: Project) -> None:
        del project

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def stage(self, name: str) -> None:
        """Not told."""

    def ready(self, address: Address, steps: FirstSteps | None) -> None:
        """Where the server listens; the first time with commands to paste."""
        self._tell("ready", {"url": address.url, "pid": address.pid, **(asdict(steps) if steps else {})})

    def decided(self, decision: Decision) -> None:
        """The decision, as in `mlops history`."""
        self._tell("decision", decision.as_dict())

    def failed(self, error: MlopsError) -> None:
        """What went wrong and is tried again."""
        self._tell("error", error.as_dict())

    def rests(self, address: Address, *, seconds: float) -> None:
        """Not told."""

    def stopped(self, summary: UpSummary) -> None:
        """What was done from start to stop."""
        self._tell("stopped", asdict(summary))

    def _tell(self, event: str, facts: dict[str, Any]) -> None:
        print_json({"event": event, **facts})
        sys.stdout.flush()


class TextLines:
    """A line for each thing that happens, and a quiet one at the bottom of a terminal that says how it goes."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._status = talk.status("starting")
        self._turn_to_speak = threading.RLock()
        self._felt_at = 0.0
        self._pulse: HealthProbe | None = None
        self._rate = 0.0

    def __enter__(self) -> TextLines:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def stage(self, name: str) -> None:
        """On the line at the bottom."""
        self._status.update(name)

    def ready(self, address: Address, steps: FirstSteps | None) -> None:
        """Where the server listens; the first time with commands to paste."""
        if steps is None:
            self._say(f"the server answers again on {address.url} (process {address.pid})")
            return
        lines = [f"{self._project.name} answers on {address.url} (process {address.pid}); Ctrl-C stops it"]
        if steps.predict and steps.outcome:
            lines += ["", "a first prediction:", f"  {steps.predict}"]
            lines += ["how it ended, once that is known:", f"  {steps.outcome}"]
        lines += [f"many of those, from a file whose first line is {steps.header}:", f"  {steps.file}", ""]
        self._say("\n".join(lines))

    def decided(self, decision: Decision) -> None:
        """A line with its reason."""
        what = decided(decision.what, decision.version)
        self._say(f"{local(decision.at, self._project)} {what}: {decision.reason}")

    def failed(self, error: MlopsError) -> None:
        """What went wrong and is tried again, on stderr."""
        self._say(f"error: {error}" + (f"\nhint: {error.hint}" if error.hint else ""), stderr=True)

    def rests(self, address: Address, *, seconds: float) -> None:
        """On the line at the bottom, where there is a terminal."""
        if talk.is_terminal:
            self._feel(address)
            self._status.update(_how_it_goes(self._pulse, self._rate, seconds))

    def stopped(self, summary: UpSummary) -> None:
        """What was done from start to stop."""
        done = [count(summary.answers, "answer"), count(summary.outcomes, "outcome")]
        done.append(count(summary.decisions, "decision"))
        length = span(timedelta(seconds=summary.seconds))
        self._say(f"stopped after {length}: {', '.join(done)}; all of it is in the tables")

    def _say(self, text: str, *, stderr: bool = False) -> None:
        with self._turn_to_speak:
            self._status.stop()
            print(text, file=sys.stderr if stderr else sys.stdout, flush=True)
            self._status.start()

    def _feel(self, address: Address) -> None:
        now = time.perf_counter()
        if now - self._felt_at >= FEEL_SECONDS:
            before, self._pulse = self._pulse, probe_server(address)
            if before and self._pulse:
                self._rate = max(0, self._pulse.answers - before.answers) / (now - self._felt_at)
            self._felt_at = now


def _how_it_goes(pulse: HealthProbe | None, rate: float, seconds: float) -> str:
    turn = f"next turn in {span(timedelta(seconds=seconds))}"
    if pulse is None:
        return f"the server does not answer; {turn}"
    return f"{count(pulse.answers, 'answer')}, {rate:,.1f} a second; {pulse.pending:,} wait for their outcome; {turn}"
