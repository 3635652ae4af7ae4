"""Drill: a byte of the champion's model file is changed on disk while the server runs."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from mlops_lab.alerts.channels.table import read_alerts
from mlops_lab.drills.asking import BREAK_AFTER, Asker, count_harmed
from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.ground import Ground
from mlops_lab.errors import EnvironmentFault
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.registry.engine_kinds import model_file
from mlops_lab.registry.package import load_plan
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_champion
from mlops_lab.serving.process.server_process import ServerProcess
from mlops_lab.tables.open_lake import open_lake


def run(ground: Ground) -> Observed:
    """What the loop and a server that starts did about it; a person then puts the file back from the backup."""
    project = ground.fork()
    asker, loop = Asker(ground, project), Loop(project)
    file = champion_file(project)
    before, decided = file.read_bytes(), len(loop.decisions)
    ground.report("changing a byte of the package")
    with ServerProcess(project) as server:
        asker.to(server.address)
        asker.ask_many(BREAK_AFTER)
        flip_byte(file)
        began = time.perf_counter()
        sign = tick_and_look(loop)
        detected = time.perf_counter() - began
        asker.ask_many(BREAK_AFTER)  # a server keeps what it has loaded
    refusal = try_to_start(project)
    file.write_bytes(before)
    loop.act(new_state=True)
    with ServerProcess(project) as server:
        asker.to(server.address)
        asker.ask_until(lambda is_answered: is_answered)
        recovered = time.perf_counter() - began
        asker.ask_many(BREAK_AFTER)
        asker.close()
    started = f"; a server refuses to start: {refusal.code}" if refusal else "; a server STARTS with it"
    return Observed(
        fault=f"a byte of {file.name} is changed",
        detected=timedelta(seconds=detected) if sign else None,
        detected_by=f"{sign}{started}" if sign else "",
        recovered=timedelta(seconds=recovered) if refusal else None,
        requests=len(asker.asked.outputs) + len(asker.asked.refused),
        harmed=count_harmed(ground, asker.asked),
        false_actions=[f"{item.what} ({item.rule})" for item in loop.decisions[decided:]],
    )


def tick_and_look(loop: Loop) -> str:
    """What a tick says about a package that was changed: its own refusal, or its alert; empty where it says nothing."""
    try:
        loop.tick(loop.now())
    except EnvironmentFault as fault:
        return f"the tick is refused: {fault.code}"
    return next((f"alert: {alert.what}" for alert in read_alerts(loop.lake) if alert.rule == "package"), "")


def champion_file(project: Project) -> Path:
    """The model file of the version that is live."""
    package = project.root / find_champion(read_decisions(open_lake(project))).package
    return package / model_file(load_plan(package).engine)


def flip_byte(file: Path) -> None:
    """Change the byte in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def try_to_start(project: Project) -> EnvironmentFault | None:
    """The error of a server that does not start; None where it does."""
    try:
        with ServerProcess(project):
            return None
    except EnvironmentFault as fault:
        return fault


TAMPERED_PACKAGE = Drill(
    name="tampered-package",
    summary="A byte of the live model's file is changed.",
    target=Target(detect=timedelta(seconds=10), recover=timedelta(seconds=60), harmed_share=0.0),
    run=run,
    needs_days=False,
)
