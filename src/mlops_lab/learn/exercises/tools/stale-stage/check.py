import os
import shutil
import sys
from hashlib import md5
from pathlib import Path
from posixpath import normpath

import yaml

from mlops_lab.learn.checking import Work, fail

HANDED_OUT = Path(__file__).parent / "start"
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
WANTED = "stages, each with cmd, deps and outs"
CAN_MATTER = {  # what changes: which scripts must run again
    "nothing": set(),
    "report.color in params.yaml": set(),
    "cleaning.py": {"prepare.py", "train.py"},
    "train.shrink in params.yaml": {"train.py"},
    "raw.csv": {"prepare.py", "train.py"},
    "train.py": {"train.py"},
}


def check(work: Work) -> None:
    project = work.scratch / "project"
    shutil.copytree(HANDED_OUT, project)
    shutil.copy(work.path("dvc.yaml"), project)
    prices = [str(price) for price in work.rng.integers(100, 900, 30)]
    (project / "raw.csv").write_text("\n".join([*prices, "unknown", "0"]) + "\n")
    stages = _read_stages(work)
    lock: dict = {}
    _reproduce(work, project, stages, lock)
    for what, may_run in CAN_MATTER.items():
        _change(project, what)
        ran = _reproduce(work, project, stages, lock)
        model = _model(project, what)
        names = ", ".join(ran) or "no stage"
        scripts = {script for name in ran for script in _scripts(stages[name])}
        if scripts - may_run:
            seen = f"{what} changed, and `dvc repro` ran {names}"
            only = f"only {' and '.join(sorted(may_run))} to run again" if may_run else "nothing to run again"
            needless = " and ".join(sorted(scripts - may_run))
            fail("needless-run", seen=seen, expected=f"{only}: the change cannot matter to {needless}")
        for script in ("prepare.py", "train.py") if may_run - scripts else ():
            _run(work, project, f"python {script}")
        if (fresh := _model(project, what)) != model:
            seen = f"{what} changed, `dvc repro` ran {names}, and model.json is {model}; after all stages it is {fresh}"
            fail("stale-model", seen=seen, expected="the same model")
        for name, stage in stages.items():
            lock[name] = _state(project, stage)


def _change(project: Path, what: str) -> None:
    changes = {
        "cleaning.py": ("return text.isdigit()", 'return text.isdigit() and text != "0"'),
        "train.shrink in params.yaml": ("0.9", "0.8"),
        "report.color in params.yaml": ("blue", "green"),
        "raw.csv": ("unknown", "1000"),
        "train.py": ("sum(prices) / len(prices)", "sorted(prices)[len(prices) // 2]"),
    }
    if what in changes:
        file = project / what.split(" in ")[-1]
        file.write_text(file.read_text().replace(*changes[what]))


def _read_stages(work: Work) -> dict[str, dict]:
    """The stages of dvc.yaml, each after those whose results it reads."""
    content = work.load_yaml("dvc.yaml", WANTED)
    try:
        left = {
            name: {**stage, "made": _paths(stage, "outs", "metrics", "plots")}
            for name, stage in content["stages"].items()
        }
        for stage in left.values():
            stage["read"] = _paths(stage, "deps")
            stage["cmd"] = [stage["cmd"]] if isinstance(stage["cmd"], str) else list(stage["cmd"])
    except (KeyError, TypeError, AttributeError) as error:
        fail(
            "bad-file",
            seen=f"dvc.yaml cannot be read: {type(error).__name__}, {' '.join(str(error).split())}",
            expected=WANTED,
        )
    order: dict[str, dict] = {}
    while left:
        made_later = {path for stage in left.values() for path in stage["made"]}
        free = [name for name, stage in left.items() if not made_later & set(stage["read"])]
        if not free:
            fail(
                "bad-file", seen=f"{', '.join(left)}: each needs what another one makes", expected="an order of stages"
            )
        order |= {name: left.pop(name) for name in free}
    return order


def _paths(stage: dict, *keys: str) -> list[str]:
    entries = [entry for key in keys for entry in stage.get(key) or []]
    return [normpath(next(iter(entry)) if isinstance(entry, dict) else entry) for entry in entries]


def _reproduce(work: Work, project: Path, stages: dict[str, dict], lock: dict) -> list[str]:
    """The stages that `dvc repro` runs: those of which anything that they name has changed since their last run."""
    ran = []
    for name, stage in stages.items():
        made = all((project / path).exists() for path in stage["made"])
        if stage.get("always_changed") or not made or lock.get(name) != _state(project, stage):
            for command in stage["cmd"]:
                _run(work, project, command)
            if missing := [path for path in (*stage["read"], *stage["made"]) if not (project / path).exists()]:
                fail("bad-file", seen=f"{name} names {missing[0]}, which does not exist", expected="files that exist")
            ran.append(name)
            lock[name] = _state(project, stage)
    return ran


def _state(project: Path, stage: dict) -> dict:
    """What dvc.lock keeps of a stage."""
    files = {path: _hash(project / path) for path in (*stage["read"], *stage["made"])}
    return {"cmd": stage["cmd"], "files": files, "params": _params(project, stage)}


def _hash(path: Path) -> str:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return md5(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()


def _params(project: Path, stage: dict) -> dict:
    wanted = [
        pair
        for entry in stage.get("params") or []
        for pair in (entry if isinstance(entry, dict) else {"params.yaml": [entry]}).items()
    ]
    found = {}
    for file, keys in wanted:
        for key in keys or [""]:
            value = yaml.safe_load((project / file).read_text())
            for part in key.split(".") if key else []:
                if not isinstance(value, dict) or part not in value:
                    fail("bad-file", seen=f"dvc.yaml names the parameter {key}", expected=f"one that {file} has")
                value = value[part]
            found[file, key] = value
    return found


def _scripts(stage: dict) -> set[str]:
    return {f"{name}.py" for name in ("prepare", "train") if f"{name}.py" in " ".join(stage["cmd"])}


def _run(work: Work, project: Path, command: str) -> None:
    done = work.run("sh", "-c", command, folder=project, env={"PATH": PATH, "PYTHONSAFEPATH": ""})
    if done.returncode:
        seen = f"`{command}` ended with code {done.returncode}: {done.stderr.strip().splitlines()[-1:]}"
        fail("command-failed", seen=seen, expected="the commands as they were handed out")


def _model(project: Path, what: str) -> str:
    file = project / "model.json"
    if not file.exists():
        fail("bad-file", seen=f"after a change of {what}, there is no model.json", expected="that `dvc repro` makes it")
    return file.read_text()
