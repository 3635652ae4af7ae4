import json
import shutil
from hashlib import md5
from pathlib import Path

import yaml

from mlops_lab.learn.checking import Work, fail


def check(work: Work) -> None:
    missing = work.load("pushed.py", "missing").missing
    lost = f"{work.rng.integers(1, 6)}.png"
    cases = (
        ("nothing was forgotten", True, ()),
        ("nothing was pushed of flights.csv", True, ("flights.csv",)),
        ("photos was not pushed at all", True, ("photos", "photos/*")),
        (f"the push of photos broke off before {lost}", True, (f"photos/{lost}",)),
        ("the list of photos was not pushed, its files were", True, ("photos",)),
        ("on a machine without a cache; nothing was forgotten", False, ()),
        (f"on a machine without a cache; {lost} was not pushed", False, (f"photos/{lost}",)),
        ("on a machine without a cache; flights.csv was not pushed", False, ("flights.csv",)),
    )
    for number, (what, has_cache, not_pushed) in enumerate(cases):
        project, remote = work.scratch / f"{number}/project", work.scratch / f"{number}/remote"
        hashes = _make_project(work, project)
        shutil.copytree(project / ".dvc/cache", remote)
        for path in not_pushed:
            for name, digest in hashes.items():
                if name == path or (path.endswith("/*") and name.startswith(path[:-1])):
                    _place(remote, digest).unlink()
        if not has_cache:
            shutil.rmtree(project / ".dvc/cache")
        try:
            answer = sorted(str(path) for path in missing(project, remote))
        except FileNotFoundError as error:
            if has_cache:
                raise
            place = Path(str(error.filename)).relative_to(project.parent)
            fail(
                "needs-cache", seen=f"{what}: the file {place} was not found", expected="that the remote alone decides"
            )
        right = sorted(path for path in not_pushed if not path.endswith("/*"))
        if answer == right:
            continue
        seen = f"{what}: the answer is {answer}"
        if not right:
            fail("false-alarm", seen=seen, expected="[]: a colleague can pull everything")
        fail("file-missed" if "/" in right[0] else "unpushed-missed", seen=seen, expected=f"{right}")


def _make_project(work: Work, project: Path) -> dict[str, str]:
    """A project as DVC 3 makes it, with all contents in its cache: the hash of each path."""
    store = project / ".dvc/cache"
    hashes = {"flights.csv": _store(store, work.rng.bytes(40)), "planes.csv": _store(store, work.rng.bytes(40))}
    photos = {f"{number}.png": _store(store, work.rng.bytes(40)) for number in range(1, 6)}
    entries = [{"md5": digest, "relpath": name} for name, digest in photos.items()]
    hashes["photos"] = _store(store, json.dumps(entries).encode(), ".dir")
    for name, digest in hashes.items():
        pointer = {"outs": [{"md5": digest, "size": 40, "hash": "md5", "path": name}]}
        (project / f"{name}.dvc").write_text(yaml.safe_dump(pointer))
    return hashes | {f"photos/{name}": digest for name, digest in photos.items()}


def _store(store: Path, content: bytes, suffix: str = "") -> str:
    digest = md5(content).hexdigest() + suffix
    place = _place(store, digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return digest


def _place(store: Path, digest: str) -> Path:
    return store / "files/md5" / digest[:2] / digest[2:]
