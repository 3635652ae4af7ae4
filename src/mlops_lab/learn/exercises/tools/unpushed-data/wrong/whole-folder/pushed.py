import json

import yaml


def content(store, md5):
    return store / "files/md5" / md5[:2] / md5[2:]


def missing(project, remote):
    paths = []
    for pointer in project.glob("*.dvc"):
        if pointer.is_file():
            out = yaml.safe_load(pointer.read_text())["outs"][0]
            hashes = [out["md5"]]
            if out["md5"].endswith(".dir") and content(remote, out["md5"]).exists():
                hashes += [file["md5"] for file in json.loads(content(remote, out["md5"]).read_text())]
            if not all(content(remote, md5).exists() for md5 in hashes):
                paths.append(out["path"])
    return paths
