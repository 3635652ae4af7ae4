import re
import subprocess
import sys
from datetime import date

from mlops_lab.learn.checking import Work, fail

TRAINING = """
import our_packages
rows = open("data.csv").read()
print("loss", {loss})
open("models/model.txt", "w").write(rows)
"""


def check(work: Work) -> None:
    variables, jobs = _read(work.path("crontab").read_text())
    if len(jobs) != 1 or [field.lstrip("0") for field in jobs[0][:5]] != ["30", "2", "*", "*", "*"]:
        seen = "; ".join(" ".join(job[:5]) for job in jobs) or "no line with a command"
        fail("other-time", seen=f"the times in crontab: {seen}", expected="one line, for 2:30 each night: 30 2 * * *")
    home = work.scratch / "home"
    project, loss, rows = home / "project", int(work.rng.integers(1000, 9999)), str(work.rng.integers(10**9))
    python = project / ".venv" / "bin" / "python"
    packages = project / ".venv" / "lib"
    for folder in (project / "logs", project / "models", python.parent, packages):
        folder.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{packages}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (python.parent / "activate").write_text(f'PATH="{python.parent}:$PATH"\nexport PATH\n')
    (packages / "our_packages.py").touch()
    (project / "train.py").write_text(TRAINING.format(loss=loss))
    (project / "data.csv").write_text(rows)
    command, given = _split_at_percent(jobs[0][5])
    environment = {"HOME": str(home), "LOGNAME": "ml", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin", **variables}
    try:
        done = subprocess.run(
            [environment["SHELL"], "-c", command],
            cwd=home,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        fail("not-trained", seen=f"cron could not run `{command}`: {error}", expected="a model in project/models")
    model = project / "models" / "model.txt"
    logs = {f"project/logs/{path.name}": path.read_text(errors="replace") for path in (project / "logs").iterdir()}
    if not model.exists():
        said = (done.stderr + "".join(logs.values())).strip().splitlines() or ["nothing"]
        seen = f"cron ran `{command}` in $HOME: exit code {done.returncode}, and it said: {said[-1]}"
        fail("not-trained", seen=seen.replace(str(home), "$HOME"), expected="a model in project/models")
    today = {f"project/logs/train-{day}.log" for day in (date.today(), date.fromtimestamp(model.stat().st_mtime))}
    if not any(f"loss {loss}" in logs.get(name, "") for name in today):
        seen = f"the model was trained; in project/logs there is: {', '.join(logs) or 'nothing'}"
        fail("no-log", seen=seen, expected=f"{min(today)}, with what train.py printed")


def _read(text: str) -> tuple[dict[str, str], list[list[str]]]:
    """Variables, as they stand: cron puts no other variables into them; and the jobs: five fields and a command."""
    variables, jobs = {}, []
    for line in text.splitlines():
        if found := re.match(r"\s*(\w+)\s*=\s*(.*?)\s*$", line):
            variables[found[1]] = found[2].strip("\"'")
        elif line.strip() and not line.lstrip().startswith("#"):
            fields = line.split(maxsplit=5)
            if len(fields) < 6:
                fail("unreadable", seen=f"cron cannot read the line: {line}", expected="five fields and a command")
            jobs.append(fields)
    return variables, jobs


def _split_at_percent(command: str) -> tuple[str, str]:
    """What cron gives to the shell, and what to its stdin: a % ends the line, unless there is a backslash before it."""
    first, *others = re.split(r"(?<!\\)%", command)
    return first.replace("\\%", "%"), "\n".join(others).replace("\\%", "%")
