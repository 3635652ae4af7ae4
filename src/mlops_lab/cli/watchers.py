"""Two ways of telling what `mlops up` does: lines for people, and JSON lines."""

from __future__ import annotations

import sys
import threading
import time
from datetime import timedelta

import msgspec

from mlops_lab.cli.records.server import (
    DecisionEvent,
    ErrorEvent,
    PageEvent,
    ReadyEvent,
    StoppedEvent,
    WarningEvent,
)
from mlops_lab.cli.shared import console, local, print_record
from mlops_lab.errors import MlopsError
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision
from mlops_lab.runtime.first_steps import FirstSteps
from mlops_lab.runtime.up import UpSummary
from mlops_lab.serving.process.address import Address
from mlops_lab.serving.process.health_probe import HealthProbe, probe_server
from mlops_lab.status.wording import format_count, format_decision, format_duration

PROBE_SECONDS = 2.0


class JsonLines:
    """One JSON object a line: `ready`, `decision`, `warning`, `error`, `stopped`."""

    def __init__(self, project: Project) -> None:
        del project

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def stage_began(self, name: str) -> None:
        """Prints nothing."""

    def server_ready(self, address: Address, steps: FirstSteps | None) -> None:
        """Where the server listens; the first time with commands to paste."""
        if steps is None:
            print_record(ReadyEvent(url=address.url, pid=address.pid))
            return
        print_record(
            ReadyEvent(
                url=address.url,
                pid=address.pid,
                predict=steps.predict,
                outcome=steps.outcome,
                file=steps.file,
                header=steps.header,
            )
        )

    def page_ready(self, url: str) -> None:
        """Where the page is."""
        print_record(PageEvent(url=url))

    def decision_made(self, decision: Decision) -> None:
        """The decision, as in `mlops history`."""
        print_record(msgspec.convert(decision.as_dict(), DecisionEvent))

    def warned(self, text: str) -> None:
        """What is to be told of the day that was just measured."""
        print_record(WarningEvent(what=text))

    def failed(self, error: MlopsError) -> None:
        """What went wrong and is tried again."""
        print_record(msgspec.convert(error.as_dict(), ErrorEvent))

    def idle(self, address: Address, *, seconds: float) -> None:
        """Prints nothing."""

    def stopped(self, summary: UpSummary) -> None:
        """What was done from start to stop."""
        print_record(msgspec.convert(summary, StoppedEvent, from_attributes=True))


class TextLines:
    """One line for each event; on a terminal also a status line at the bottom."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._status = console.status("starting")
        self._print_lock = threading.RLock()
        self._probed_at = 0.0
        self._health: HealthProbe | None = None
        self._rate = 0.0

    def __enter__(self) -> TextLines:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def stage_began(self, name: str) -> None:
        """Shows the stage on the status line."""
        self._status.update(name)

    def server_ready(self, address: Address, steps: FirstSteps | None) -> None:
        """Where the server listens; the first time with commands to paste."""
        if steps is None:
            self._print(f"the server answers again on {address.url} (process {address.pid})")
            return
        lines = [f"{self._project.name} answers on {address.url} (process {address.pid}); Ctrl-C stops it"]
        if steps.predict and steps.outcome:
            lines += ["", "a first prediction:", f"  {steps.predict}"]
            lines += ["its outcome, once it is known:", f"  {steps.outcome}"]
        lines += [f"many outcomes, from a file whose first line is {steps.header}:", f"  {steps.file}", ""]
        self._print("\n".join(lines))

    def page_ready(self, url: str) -> None:
        """Where the page is."""
        self._print(f"the page: {url}")

    def decision_made(self, decision: Decision) -> None:
        """A line with its reason."""
        what = format_decision(decision.what, decision.version, rule=decision.rule)
        self._print(f"{local(decision.at, self._project)} {what}: {decision.reason}")

    def warned(self, text: str) -> None:
        """What is to be told of the day that was just measured, on stderr."""
        self._print(f"warning: {text}", stderr=True)

    def failed(self, error: MlopsError) -> None:
        """What went wrong and is tried again, on stderr."""
        self._print(f"error: {error}" + (f"\nhint: {error.hint}" if error.hint else ""), stderr=True)

    def idle(self, address: Address, *, seconds: float) -> None:
        """Shows the server's health on the status line of a terminal."""
        if console.is_terminal:
            self._probe(address)
            self._status.update(_progress_line(self._health, self._rate, seconds))

    def stopped(self, summary: UpSummary) -> None:
        """What was done from start to stop."""
        done = [format_count(summary.answers, "answer"), format_count(summary.outcomes, "outcome")]
        done.append(format_count(summary.decisions, "decision"))
        length = format_duration(timedelta(seconds=summary.seconds))
        self._print(f"stopped after {length}: {', '.join(done)}; all of it is in the tables")

    def _print(self, text: str, *, stderr: bool = False) -> None:
        with self._print_lock:
            self._status.stop()
            print(text, file=sys.stderr if stderr else sys.stdout, flush=True)
            self._status.start()

    def _probe(self, address: Address) -> None:
        now = time.perf_counter()
        if now - self._probed_at >= PROBE_SECONDS:
            before, self._health = self._health, probe_server(address)
            if before and self._health:
                self._rate = max(0, self._health.answers - before.answers) / (now - self._probed_at)
            self._probed_at = now


def _progress_line(health: HealthProbe | None, rate: float, seconds: float) -> str:
    tick = f"next tick in {format_duration(timedelta(seconds=seconds))}"
    if health is None:
        return f"the server does not answer; {tick}"
    answers = f"{format_count(health.answers, 'answer')}, {rate:,.1f} a second"
    return f"{answers}; {health.pending:,} wait for their outcome; {tick}"
