import os
import signal
import subprocess
import time
from pathlib import Path

from mlops_lab.learn.checking import Work, fail

SERVER = """#!/bin/bash
trap 'echo finished > finished; exit {code}' TERM
cat prepared > seen 2>/dev/null
echo $$ > ready
while true; do read -r -t 0.02 <> <(:); done
"""


def check(work: Work) -> None:
    script = work.path("entrypoint.sh")
    code = int(work.rng.integers(3, 90))
    tools = work.scratch / "tools"
    tools.mkdir()
    (tools / "prepare-cache").write_text("#!/bin/sh\necho cache > prepared\n")
    (tools / "server").write_text(SERVER.format(code=code))
    for tool in tools.iterdir():
        tool.chmod(0o755)
    path = f"{tools}:/usr/bin:/bin"
    container = work.scratch / "container"
    container.mkdir()
    process = subprocess.Popen(["bash", script], cwd=container, env={**os.environ, "PATH": path})
    if not _wait_for(container / "ready"):
        fail("not-started", seen="the server was not started", expected="a server that runs")
    if not (container / "seen").read_text():
        fail("not-prepared", seen="the server started before the cache was prepared", expected="prepare-cache first")
    time.sleep(0.1)
    if process.poll() is not None:
        seen = "the script ended while the server was still running: the container would end with it"
        fail("ended-early", seen=seen, expected="a script that lasts as long as the server")
    process.send_signal(signal.SIGTERM)
    try:
        ended = process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        fail(
            "not-stopped",
            seen="one second after SIGTERM it was still running",
            expected="a server that gets the signal",
        )
    if not (container / "finished").exists():
        seen = "the script ended at the signal, and the server did not get it: its requests were not finished"
        fail("not-finished", seen=seen, expected="a server that gets the signal")
    if ended != code:
        fail(
            "exit-code-lost",
            seen=f"the server ended with {code}, the script with {ended}",
            expected="the same exit code",
        )


def _wait_for(file: Path) -> bool:
    for _ in range(150):
        if file.exists() and file.read_text():
            return True
        time.sleep(0.01)
    return False
