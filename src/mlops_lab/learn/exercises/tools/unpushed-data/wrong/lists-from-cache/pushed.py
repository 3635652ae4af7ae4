import json

import yaml


def content(store, md5):
    return store / "files/md5" / md5[:2] / md5[2:]


def missing(project, remote):
    paths = []
    for pointer in project.glob("*.dvc"):
        if pointer.is_file():
            out = yaml.safe_load(pointer.read_text())["outs"][0]
            if not content(remote, out["md5"]).exists():
                paths.append(out["path"])
            elif out["md5"].endswith(".dir"):
                files = json.loads(content(project / ".dvc/cache", out["md5"]).read_text())
                paths += [f"{out['path']}/{file['relpath']}" for file in files if not content(remote, file["md5"]).exists()]
    return paths
