import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from mlops_lab.learn.checking import Work, fail

TRAIN = """#!/bin/bash
echo $$ >> started
[ -e hold ] && read -r _ < hold
exit {code}
"""
"""While there is a pipe named hold, a training lasts until something is written to it."""


def check(work: Work) -> None:
    script = work.path("nightly.sh")
    for code in (0, int(work.rng.integers(1, 99))):
        folder, tools = work.scratch / f"job-{code}", work.scratch / f"tools-{code}"
        folder.mkdir()
        tools.mkdir()
        (tools / "train").write_text(TRAIN.format(code=code))
        (tools / "train").chmod(0o755)
        night = Night(script, folder, f"{tools}:/usr/bin:/bin", code)
        try:
            look(night)
        finally:
            night.end()


def look(night):
    night.expect_training("at the first start nothing was trained")
    night.expect_training(f"the training before had ended, with exit code {night.code}, and a new start did not train")
    running = night.start_long()
    night.expect_none("a training was running")
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    wait_until(lambda: not is_group_alive(running.pid))  # whatever held the lock, too
    night.expect_training("the script and its training were killed with SIGKILL, and the next start did not train")
    running = night.start_long()
    running.kill()
    running.wait()
    if is_alive(night.trainings()[-1]):
        night.expect_none("the script was killed, and its training was still running")
        night.release()
    night.expect_training("the training that had outlived its script was over, and the next start did not train")


class Night:
    def __init__(self, script: Path, folder: Path, path: str, code: int) -> None:
        self.script, self.folder, self.path, self.code = script, folder, path, code
        self.processes: list[subprocess.Popen] = []

    def start(self) -> subprocess.Popen:
        environment = {**os.environ, "PATH": self.path}
        process = subprocess.Popen(["bash", self.script], cwd=self.folder, env=environment, start_new_session=True)
        self.processes.append(process)
        return process

    def end(self) -> None:
        """End all that was started: a training can outlive its script, and is in the group of it."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def trainings(self) -> list[int]:
        """The process of each training, the oldest first."""
        started = self.folder / "started"
        return [int(line) for line in started.read_text().split()] if started.exists() else []

    def start_long(self) -> subprocess.Popen:
        """A start whose training lasts until it is released."""
        before = len(self.trainings())
        os.mkfifo(self.folder / "hold")
        process = self.start()
        if not wait_until(lambda: len(self.trainings()) > before):
            fail("never-again", seen="no training was running, and a start did not train", expected="a training")
        return process

    def release(self) -> None:
        (self.folder / "hold").unlink()
        os.kill(self.trainings()[-1], signal.SIGTERM)
        wait_until(lambda: not is_alive(self.trainings()[-1]))

    def expect_training(self, otherwise: str) -> None:
        (self.folder / "hold").unlink(missing_ok=True)
        before, process = len(self.trainings()), self.start()
        if not wait_until(lambda: process.poll() is not None):
            fail("waits", seen="no training was running, and a start did not end", expected="a training, and an end")
        if len(self.trainings()) == before:
            fail("never-again", seen=otherwise, expected="a training")

    def expect_none(self, case: str) -> None:
        before, process = len(self.trainings()), self.start()
        ended = wait_until(lambda: process.poll() is not None or len(self.trainings()) > before)
        if len(self.trainings()) > before:
            fail("two-at-once", seen=f"{case}, and a second one was started", expected="one training at a time")
        if not ended:
            fail("waits", seen=f"{case}, and another start waited for it", expected="that it ends at once")


def wait_until(is_true) -> bool:
    for _ in range(500):  # five seconds: the machine may be busy
        if is_true():
            return True
        time.sleep(0.01)
    return False


def is_alive(pid: int) -> bool:
    return read_state(pid)[0] != "Z"


def is_group_alive(group: int) -> bool:
    states = [read_state(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return any(state != "Z" and of == group for state, of in states)


def read_state(pid: int) -> tuple[str, int]:
    """The state of a process and its group; that of one that ended, where there is none any more."""
    try:
        state, _, group = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return "Z", 0
    return state, int(group)
