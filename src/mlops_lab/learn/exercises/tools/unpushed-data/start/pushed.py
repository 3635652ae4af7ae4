import yaml


def missing(project, remote):
    """The paths that cannot be pulled: "flights.csv", or "photos/7.png" of a folder. Both arguments are folders (Path)."""
    paths = []
    for pointer in project.glob("*.dvc"):
        if pointer.is_file():
            out = yaml.safe_load(pointer.read_text())["outs"][0]
            if not content(project / ".dvc/cache", out["md5"]).exists():
                paths.append(out["path"])
    return paths


def content(store, md5):
    """Where a cache, or a remote, keeps the content with this hash."""
    return store / "files/md5" / md5[:2] / md5[2:]
