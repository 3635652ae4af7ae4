"""`RUN --mount`: what a command sees while it runs, and what is in no layer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from mlops_lab.learn.dockerfile import DockerfileFault, Instruction
from mlops_lab.learn.image_stage import Stage


class Build(Protocol):
    """Where mounts come from: the stages before, the folder that is built, and the secrets by their id."""

    stages: dict[str, Stage]
    context: Path
    secrets: dict[str, str]


def mount(build: Build, stage: Stage, step: Instruction) -> tuple[dict[str, str], list[Path], str]:
    """The variables of secrets, what to take away afterwards, and the content on which the cache depends."""
    environment, mounted, depends = {}, [], ""
    for value in (value for flag, value in step.flags if flag == "mount"):
        options = dict(part.partition("=")[::2] for part in value.split(","))
        kind = options.get("type", "bind")
        source = options.get("source") or options.get("src") or ""
        name = options.get("target") or options.get("dst") or options.get("destination") or ""
        if kind == "secret":
            secret = options.get("id") or os.path.basename(name)
            if secret not in build.secrets:
                raise DockerfileFault(f"{step.line}: the build is given no secret with the id {secret}")
            if "env" in options:
                environment[options["env"]] = build.secrets[secret]
                if not name:
                    continue
            content: str | None = build.secrets[secret]
            name = name or f"/run/secrets/{secret}"
        elif kind == "bind":
            origin = build.stages[options["from"]].root if options.get("from") in build.stages else build.context
            path = origin / source.lstrip("/")
            if not path.is_file():
                raise DockerfileFault(f"{step.line}: {source or '.'} is no file that this exercise can mount")
            content = path.read_text(encoding="utf-8", errors="replace")
            depends += f"{name}\n{content}\n"
        else:
            content = None
        place = stage.inside(name)
        if place.exists():
            continue
        first = next(p for p in (*reversed(place.parents), place) if not p.exists())
        mounted.append(first)
        (place if content is None else place.parent).mkdir(parents=True, exist_ok=True)
        if content is not None:
            place.write_text(content)
    return environment, mounted, depends
