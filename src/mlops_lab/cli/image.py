"""`mlops image build`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from mlops_lab.cli.records.environments import ImageRecord
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, print_record
from mlops_lab.exporters.images.build import build_image, find_builder
from mlops_lab.exporters.images.folder import write_image_folder
from mlops_lab.exporters.images.packages import Purpose
from mlops_lab.loop.people import acting_person

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Versions as container images."""


@app.command()
def build(
    version: Annotated[int, typer.Argument(metavar="VERSION", help="A version.")],
    purpose: Annotated[Purpose, typer.Option("--for", help="What the image does.")] = "serving",
    no_build: Annotated[
        Path | None,
        typer.Option("--no-build", metavar="DIR", help="Only write what it is built from, to a new folder."),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="The image to build on.", show_default="python:X.Y.Z-slim, as trained")
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Its name.", show_default="PROJECT-serving:VERSION")] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="An option for docker, podman or buildah, such as --option=--pull.")
    ] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Build a container image of a version, with docker, podman or buildah, whichever works here."""
    opened = open_project(project)
    if no_build is None:
        find_builder()  # before the work, not after it
    with tempfile.TemporaryDirectory(prefix="mlops-image-") as temporary:
        place = no_build or Path(temporary) / "image"
        made = write_image_folder(opened, version, place, purpose=purpose, base=base, by=acting_person(opened))
        name = tag or made.tag
        builder = None if no_build else build_image(place, tag=name, options=option or ())
    if made.is_other_code:
        console.print("it holds the present code of mlops-lab: that which trained the version was not kept")
    if json:
        print_record(
            ImageRecord(
                version=version,
                purpose=purpose,
                tag=name,
                base=made.base,
                packages=made.packages,
                builder=builder,
                folder=str(no_build) if no_build else None,
            )
        )
        return
    print(f"{name}: version {version} for {purpose}, {made.packages} packages on {made.base}")
    print(f"written to {no_build}; its README.md says how to build it" if no_build else f"built by {builder}")
    print(f"run it: {made.run.replace(made.tag, name)}")
