import json
import os

import yaml


def missing(project, remote):
    """Lists the remote once, then compares."""
    root = os.path.join(remote, "files", "md5")
    there = {os.path.basename(folder) + name for folder, _, names in os.walk(root) for name in names}
    wanted = []
    for name in os.listdir(project):
        if name.endswith(".dvc") and os.path.isfile(os.path.join(project, name)):
            with open(os.path.join(project, name)) as file:
                wanted += [(out["path"], out["md5"]) for out in yaml.safe_load(file)["outs"]]
    for path, md5 in list(wanted):
        if md5.endswith(".dir") and md5 in there:
            with open(os.path.join(root, md5[:2], md5[2:])) as file:
                wanted += [(f"{path}/{entry['relpath']}", entry["md5"]) for entry in json.load(file)]
    return sorted(path for path, md5 in wanted if md5 not in there)
