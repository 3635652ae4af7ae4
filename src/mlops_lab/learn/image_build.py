"""Builds a Dockerfile in a folder, as Docker would: layer by layer, with the cache's rules and the owners of files.

For exercises: no Docker, no network. The commands of RUN do run, in bash, with the root of the image moved into a
folder. They find only the programs of `image_programs.py`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from mlops_lab.learn.dockerfile import DockerfileFault, Instruction, read_instructions, substitute
from mlops_lab.learn.image_mounts import mount
from mlops_lab.learn.image_programs import write_programs
from mlops_lab.learn.image_stage import Layer, Stage, read_user

_ABSOLUTE = re.compile(r"(?<![^\s'\"=(<>:;&|])/(?!/)")
"""Where the name of an absolute path begins in a command. (In https://, the one slash follows the other.)"""

NOT_FOUND = 127
"""With this code bash ends where a program is missing."""


class Builder:
    """Builds Dockerfiles. `log` gets what the stand-ins write to `$BUILD_LOG`."""

    def __init__(
        self,
        folder: Path,
        *,
        context: Path,
        stand_ins: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self.context = folder, context
        self.secrets, self.arguments = dict(secrets or {}), dict(arguments or {})
        self.log, self.stages, self._count = folder / "log", dict[str, Stage](), 0
        self.tools = folder / "tools"
        write_programs(self.tools, stand_ins or {})

    def build(self, text: str) -> Stage:
        """The last stage; DockerfileFault where the build would fail."""
        stage: Stage | None = None
        for step in read_instructions(text):
            if step.name == "FROM":
                stage = self._start(step)
            elif stage is None:
                if step.name != "ARG":
                    raise DockerfileFault(f"{step.line}: the first instruction must be FROM")
            else:
                self._apply(stage, step)
        if stage is None:
            raise DockerfileFault("there is no FROM: nothing is built")
        return stage

    def _start(self, step: Instruction) -> Stage:
        words, self._count = step.text.split(), self._count + 1
        base, root = self.stages.get(words[0]), self.folder / f"stage-{self._count}"
        if base:
            shutil.copytree(base.root, root, symlinks=True)
            stage = Stage(root, [*base.layers], dict(base.owners), dict(base.users), dict(base.variables))
            stage.user, stage.folder = base.user, base.folder
        else:
            for name in ("root", "tmp", "home", "run", "usr/local/lib/python3.12/site-packages"):
                (root / name).mkdir(parents=True)
            stage = Stage(root, [Layer(step.line, sha256(words[0].encode()).hexdigest())])
        self.stages[words[-1] if len(words) == 3 else str(len(self.stages))] = stage
        return stage

    def _apply(self, stage: Stage, step: Instruction) -> None:
        known = {**stage.arguments, **stage.variables}
        files: dict[str, bytes] = {}
        depends = ""
        if step.name in ("COPY", "ADD"):
            files = self._copy(stage, step, known)
            depends = repr(sorted(files.items()))
        elif step.name == "RUN":
            files, depends = self._run(stage, step)
        elif step.name == "ENV":
            pairs = step.words if "=" in step.text.split()[0] else [step.text.replace(" ", "=", 1)]
            stage.variables |= {k: substitute(v, known) for k, _, v in (pair.partition("=") for pair in pairs)}
        elif step.name == "ARG":
            name, _, default = step.text.partition("=")
            stage.arguments[name] = self.arguments.get(name, substitute(default.strip("\"'"), known))
        elif step.name == "USER":
            stage.user = substitute(step.text.strip(), known)
        elif step.name == "WORKDIR":
            stage.folder = os.path.normpath(os.path.join(stage.folder, substitute(step.text.strip(), known)))
            stage.inside(".").mkdir(parents=True, exist_ok=True)
        elif step.name in ("CMD", "ENTRYPOINT"):
            stage.command = step.words
        # The history of an image keeps the values of ENV, and of the arguments that a RUN could use.
        shown = [f"{name}={value}" for name, value in stage.arguments.items()] if step.name == "RUN" else []
        text = substitute(step.line, known) if step.name == "ENV" else " ".join([*shown, step.line])
        key = sha256(f"{stage.layers[-1].key}\n{text}\n{depends}".encode()).hexdigest()
        stage.layers.append(Layer(text, key, files))

    def _copy(self, stage: Stage, step: Instruction, known: dict[str, str]) -> dict[str, bytes]:
        *sources, target = [substitute(word, known) for word in step.words]
        origin = self.context
        if name := step.flag("from"):
            if name not in self.stages:
                raise DockerfileFault(f"{step.line}: there is no stage {name}")
            origin = self.stages[name].root
        many, before = len(sources) > 1 or target.endswith(("/", ".")), {}
        for source in sources:
            pattern = os.path.normpath(source.lstrip("/"))
            found = [origin] if pattern == "." else sorted(origin.glob(pattern))
            if not found:
                raise DockerfileFault(f"{step.line}: {source} is not there")
            for path in found:
                place = stage.inside(target)
                if path.is_dir():
                    shutil.copytree(path, place, dirs_exist_ok=True, symlinks=True)
                    copied = {place / file.relative_to(path) for file in path.rglob("*")} | {place}
                else:
                    place = place / path.name if many or place.is_dir() else place
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, place)
                    copied = {place}
                for file in copied:
                    inner = f"/{file.relative_to(stage.root)}"
                    if owner := step.flag("chown"):
                        stage.owners[inner] = stage.name_of(owner)
                    if file.is_file():
                        before[inner] = file.read_bytes()
        return before

    def _run(self, stage: Stage, step: Instruction) -> tuple[dict[str, bytes], str]:
        before, existed = stage.files(), {*stage.root.rglob("*")}
        environment, mounted, depends = mount(self, stage, step)
        for name in ("owners", "users"):
            Path(f"{self.log}.{name}").write_text("")
        failure = self._run_command(stage, step, environment)
        for path in mounted:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if failure is not None:
            raise DockerfileFault(f"{step.line}: {failure.replace(str(stage.root), '')}")
        self._settle_owners(stage, step, {*stage.root.rglob("*")} - existed)
        after = stage.files()
        return {path: content for path, content in after.items() if before.get(path) != content}, depends

    def _run_command(self, stage: Stage, step: Instruction, mounted: dict[str, str]) -> str | None:
        """How the command failed; None where it did not."""
        command = " ".join(f"'{word}'" for word in step.words) if step.text.startswith("[") else step.text
        environment = {
            **{name: _ABSOLUTE.sub(f"{stage.root}/", value) for name, value in stage.variables.items()},
            **stage.arguments,
            **mounted,
            "PATH": str(self.tools),
            "HOME": str(stage.root / "root"),
            "ROOT": str(stage.root),
            "BUILD_LOG": str(self.log),
        }
        try:
            done = subprocess.run(
                ["bash", "-c", _ABSOLUTE.sub(lambda _: f"{stage.root}/", command)],
                cwd=stage.inside("."),
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=5,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "it was still running after 5 s"
        lines = (done.stderr or done.stdout).strip().splitlines()
        if done.returncode == NOT_FOUND:
            programs = ", ".join(sorted(path.name for path in self.tools.iterdir()))
            lines.append(f"{lines[-1]} (the check has {programs})")
        return f"exit code {done.returncode}{f', {lines[-1]}' if lines else ''}" if done.returncode else None

    def _settle_owners(self, stage: Stage, step: Instruction, new: set[Path]) -> None:
        """Who owns what a RUN made or handed over; DockerfileFault where its user may not."""
        paths = {f"/{path.relative_to(stage.root)}" for path in new}
        for path in sorted(paths):
            if os.path.dirname(path) not in paths and not stage.may_write(os.path.dirname(path)):
                raise DockerfileFault(f"{step.line}: {path}: permission denied for the user {stage.user_name}")
        if stage.user_name != "root":
            stage.owners |= dict.fromkeys(paths, stage.user_name)
        for line in Path(f"{self.log}.users").read_text().splitlines():
            stage.users |= read_user(line)
        for line in Path(f"{self.log}.owners").read_text().splitlines():
            folder, *words = line.split()
            options, (owner, *names) = [w for w in words if w[0] == "-"], [w for w in words if w[0] != "-"]
            if stage.user_name != "root":
                raise DockerfileFault(f"{step.line}: chown: permission denied for the user {stage.user_name}")
            for name in names:
                top = Path(os.path.normpath(os.path.join(folder, name)))
                everything = [top, *top.rglob("*")] if any("R" in option for option in options) else [top]
                inner = [f"/{path.relative_to(stage.root)}" for path in everything]
                stage.owners |= dict.fromkeys(inner, stage.name_of(owner))
