"""The folder that an image is built from: Dockerfile, locked requirements, the version, the list of packages."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from mlops_lab.exporters.environments.dockerfile import APP_FOLDER, Image, write_dockerfile
from mlops_lab.exporters.environments.export import REQUIREMENTS, write_requirements
from mlops_lab.exporters.environments.source import EnvironmentSource, read_source
from mlops_lab.exporters.folder import fill_new_folder
from mlops_lab.exporters.images.frozen_project import freeze_project
from mlops_lab.exporters.images.packages import Purpose, choose_packages
from mlops_lab.exporters.images.sbom import write_sbom
from mlops_lab.lake import Lake
from mlops_lab.lineage.reproduce.record import read_record
from mlops_lab.project import Project
from mlops_lab.registry.engine_kinds import ENGINES
from mlops_lab.registry.package import load_plan
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_version, package_folder

_STATE_FOLDER = "/data"
_FROZEN = f"{APP_FOLDER}/project"


@dataclass(frozen=True)
class ImageFolder:
    """What was written: the name that the image gets, how many packages are in it, whether this package's code is
    another one than that which trained the version, and a command that runs it."""

    tag: str
    base: str
    packages: int
    is_other_code: bool
    run: str


def write_image_folder(
    project: Project, version: int, folder: Path, *, purpose: Purpose, base: str | None, by: str
) -> ImageFolder:
    """Write all that an image of a version is built from into a new or empty folder.

    `base`: the image to build on (None: the slim image of the Python that the version was trained with). NotFound where
    there is no such version; EnvironmentFault where its package is gone, or no lock with hashes can be made.
    """
    source = read_source(project, version, compiled=True)
    live = find_version(read_decisions(Lake(project.lake_path)), version)
    plan = load_plan(package_folder(project, live), fingerprint=live.fingerprint, home=project.home)
    packages = choose_packages(source, purpose, engine=plan.engine, online_store=project.settings.serving.online_store)
    image = replace(
        _IMAGES[purpose](project),
        title=f"{source.title}, {purpose}",
        version=str(version),
        base=base or f"python:{source.environment.python}-slim",
        system_packages=packages.system,
        imports=(*_IMPORTS[purpose], ENGINES[plan.engine].module) if purpose in _IMPORTS else (),
        has_wheel=source.own is not None,
    )
    tag = f"{source.name}-{purpose}:{version}"
    with fill_new_folder(folder) as draft:
        write_requirements(draft, packages.requirements, source.own, apart=True)
        if source.own:
            source.own.write(draft)
        app = draft / "app"
        app.mkdir()
        if purpose == "training":
            _write_code(project, version, app / "project")
        else:
            frozen = freeze_project(project, version, app / "project", by=by)
            shutil.rmtree(frozen.lake_path if purpose == "serving" else frozen.state_path)
        count = write_sbom(
            app, name=tag.partition(":")[0], version=str(version), requirements=packages.requirements, own=source.own
        )
        (draft / "Dockerfile").write_text(write_dockerfile(image), encoding="utf-8")
        (draft / ".dockerignore").write_text(_allowed(source), encoding="utf-8")
        (draft / "README.md").write_text(_readme(image, tag, purpose), encoding="utf-8")
    return ImageFolder(tag, image.base, count, source.is_other_code, _run(purpose, tag, image))


def _write_code(project: Project, version: int, folder: Path) -> None:
    for name, content in read_record(project, version).code.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _allowed(source: EnvironmentSource) -> str:
    """The only files that the build sees."""
    names = [REQUIREMENTS, "app", *(["own.txt", "wheels"] if source.own else [])]
    return "\n".join(["*", *(f"!{name}" for name in names), ""])


def _serving_image(project: Project) -> Image:
    return Image(
        title="",
        version="",
        base="",
        entrypoint=("python", "-m", "mlops_lab.serving", _STATE_FOLDER, "--frozen", _FROZEN),
        command=(),
        work_folder=_STATE_FOLDER,
        only_wheels=True,
        is_slim=True,
        has_files=True,
        state_folder=_STATE_FOLDER,
        port=project.settings.serving.port,
        health_check=("python", "-m", "mlops_lab.serving.process.health_check", _STATE_FOLDER),
        variables={"MLOPS_SERVING__HOST": "0.0.0.0", "POLARS_MAX_THREADS": "1"},
    )


def _batch_image(_: Project) -> Image:
    return Image(
        title="",
        version="",
        base="",
        entrypoint=("mlops", "score", "--project", _FROZEN),
        command=("--help",),
        work_folder="/work",
        only_wheels=True,
        is_slim=True,
        has_files=True,
    )


def _training_image(_: Project) -> Image:
    return Image(
        title="", version="", base="", entrypoint=("mlops",), command=("run",), work_folder="/project", has_files=True
    )


_IMPORTS = {
    "serving": (
        "mlops_lab.serving.__main__",
        "mlops_lab.serving.process.worker",
        "mlops_lab.serving.process.supervisor",
    ),
    "batch": ("mlops_lab.cli.main", "mlops_lab.cli.score"),
}
_IMAGES = {"serving": _serving_image, "batch": _batch_image, "training": _training_image}
_RUN = {
    "serving": "docker run --rm --read-only --publish 127.0.0.1:{port}:{port} {tag}",
    "batch": 'docker run --rm --read-only --tmpfs /tmp --user "$(id -u)" --volume "$PWD:/work" {tag} '
    "requests.csv --out answers.parquet",
    "training": 'docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/project" {tag}',
}
_ABOUT = {
    "serving": "It answers over HTTP, and writes its journal to `/data`: mount a volume there to keep it. Clients need "
    "the token in `/data/.mlops/token`, unless `--env MLOPS_SERVING__PREDICT_TOKEN=false` is given. Where "
    "a project is mounted at `/data`, with its `mlops.toml`, its loop decides which version answers.",
    "batch": "It answers a file of requests as of the moment of the export. With a project mounted at "
    f"`{_FROZEN}`, it answers with the facts and the live version of that.",
    "training": "It has every package of the environment, and runs `mlops` in the project that is mounted at "
    f"`/project`. The code that trained the version is in `{_FROZEN}`.",
}


def _run(purpose: Purpose, tag: str, image: Image) -> str:
    """The command that runs the image."""
    return _RUN[purpose].format(tag=tag, port=image.port)


def _readme(image: Image, tag: str, purpose: Purpose) -> str:
    lines = [
        f"# {image.title}",
        "",
        "```sh",
        f"docker build --tag {tag} .      # or podman build, or buildah build",
        _run(purpose, tag, image),
        "```",
        "",
        _ABOUT[purpose],
        "",
        f"- requirements.txt has the packages with hashes; `{APP_FOLDER}/sbom.cdx.json` lists them (CycloneDX).",
        "- It runs as user 10001, and needs no file system that can be written to, but for the folders above.",
        f"- The image is for {platform.machine()}: `wheels` may hold code that was compiled for this kind of "
        "machine. For another kind, run `mlops image build` there, and join both with `docker manifest create`.",
        "- Another base: `--build-arg BASE=...`, a Debian with the same release of Python and pip.",
        "",
    ]
    return "\n".join(lines)
