import json

import yaml


def missing(project, remote):
    """The paths that cannot be pulled: "flights.csv", or "photos/7.png" of a folder. Both arguments are folders (Path)."""
    paths = []
    for pointer in project.glob("*.dvc"):
        if pointer.is_file():
            out = yaml.safe_load(pointer.read_text())["outs"][0]
            stored = content(remote, out["md5"])
            if not stored.exists():
                paths.append(out["path"])
            elif out["md5"].endswith(".dir"):
                files = json.loads(stored.read_text())
                paths += [f"{out['path']}/{file['relpath']}" for file in files if not content(remote, file["md5"]).exists()]
    return paths


def content(store, md5):
    """Where a cache, or a remote, keeps the content with this hash."""
    return store / "files/md5" / md5[:2] / md5[2:]
