"""`mlops import dvc`."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.table import Table

from mlops_lab.cli.records.projects import DvcImport
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, print_record, print_table
from mlops_lab.errors import InvalidInput
from mlops_lab.lake.sources import read_data
from mlops_lab.project import Project, load_project
from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.choose_model import choose_model
from mlops_lab.starter.dvc_repository import DvcRepository, DvcRevision
from mlops_lab.starter.imported_data import FOLDER, DataOrigin, DataState, hash_content, place_data
from mlops_lab.starter.options import InitOptions, take_default
from mlops_lab.starter.rehearse import rehearse
from mlops_lab.starter.requirement import require_package
from mlops_lab.starter.write import check_folder, make_project, name_extra, write_files


def command(
    repository: Annotated[Path, typer.Argument(help="The folder of a DVC repository, which is in Git.")],
    path: Annotated[str, typer.Argument(help="A file or folder that it tracks, such as data/orders.csv.")],
    revision: Annotated[str, typer.Option("--rev", help="A tag, branch or commit of it.")] = "HEAD",
    new: Annotated[
        Path | None,
        typer.Option(metavar="NAME", help="Make a project of the data in this folder, as `mlops init` does."),
    ] = None,
    target: Annotated[str | None, typer.Option(help="For --new: the column to predict.")] = None,
    time: Annotated[str | None, typer.Option(help="For --new: the column with the time of a row, or none.")] = None,
    key: Annotated[str | None, typer.Option(help="For --new: the column that says what a request is about.")] = None,
    id: Annotated[str | None, typer.Option(help="For --new: the column that identifies a row.")] = None,
    dvc: Annotated[
        str, typer.Option(help="The program that reads it; one of another environment by its path.")
    ] = "dvc",
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Copy data that DVC tracks into a project, as data/NAME, with the parameters and metrics of its pipeline as a run.

    Data that was imported before is replaced by that of the revision; the next `mlops run` or tick loads what is new in
    it. `mlops compare` shows the run beside ours.
    """
    options = _check_options(target, time=time, key=key, id=id, new=new)
    root = new if new is not None else open_project(project).root
    with console.status("") as status, TemporaryDirectory(prefix="mlops-import-") as scratch:
        status.update("asking DVC")
        source = DvcRepository(repository, program=dvc)
        found = source.read(revision)
        copy = source.fetch(found, path.rstrip("/"), Path(scratch))
        origin = _describe(found, path.rstrip("/"), copy)
        status.update("checking")
        if new is not None and options is not None:
            state = _make_project(new, copy, origin, options)
        else:
            state = place_data(root, copy, origin)
        made = load_project(root)
        run = _log(made, found)
    record = DvcImport(
        project=made.name,
        folder=str(root.absolute()),
        file=f"{FOLDER}/{Path(origin.path).name}",
        state=state,
        origin=origin,
        parameters=dict(found.parameters),
        metrics=dict(found.metrics),
        run_id=run,
    )
    if json:
        print_record(record)
    else:
        _report(record, made)


def _check_options(
    target: str | None, *, time: str | None, key: str | None, id: str | None, new: Path | None
) -> InitOptions | None:
    """The options of a new project; None where there is one."""
    if new is None:
        if given := [
            f"--{name}" for name, value in {"target": target, "time": time, "key": key, "id": id}.items() if value
        ]:
            raise InvalidInput(
                "is only for a new project",
                code="bad_choice",
                where=given[0],
                hint="name its folder with --new NAME; a project that is there says it in mlops.toml",
            )
        return None
    check_folder(new)
    if target is None:
        raise InvalidInput(
            "is not given", code="no_target", where="--target", hint="name the column to predict: --target COLUMN"
        )
    return InitOptions(target, time=time, key=key, id=id)


def _describe(found: DvcRevision, path: str, copy: Path) -> DataOrigin:
    return DataOrigin(
        repository=str(found.repository),
        path=path,
        commit=found.commit,
        dvc_hash=found.outputs.get(path),
        sha256=hash_content(copy),
    )


def _make_project(folder: Path, copy: Path, origin: DataOrigin, options: InitOptions) -> DataState:
    located = f"{FOLDER}/{copy.name}"
    frame = read_data(copy)
    analysis = analyse_table(frame, options, ask=take_default)
    files = write_files(
        check_folder(folder),
        analysis,
        data=located,
        query=None,
        requirement=require_package(distribution("mlops-lab"), name_extra(located)),
        chosen=choose_model(frame, analysis),
        about=f"Its data is {origin.path} of a DVC repository, at {origin.commit[:7]} (`mlops import dvc`).",
    )

    def complete(draft: Path) -> None:
        place_data(draft, copy, origin)
        rehearse(draft, frame, example=analysis.example, data=located)

    make_project(folder, files, check=complete)
    return DataState.NEW


def _log(project: Project, found: DvcRevision) -> str | None:
    """The id of the run; None where the revision has neither parameters nor metrics."""
    if not found.parameters and not found.metrics:
        return None
    from mlops_lab.starter.dvc_run import log_revision  # brings MLflow, which takes 4 s

    return log_revision(project, found)


def _report(record: DvcImport, project: Project) -> None:
    origin, settings = record.origin, project.settings
    print(f"{record.file} is {origin.path} at {origin.commit[:7]} ({record.state})")
    if record.run_id is not None:
        print(f"run {record.run_id[:8]}: {len(record.parameters)} parameters, {len(record.metrics)} metrics")
        table = Table(box=None, show_header=False)
        for name, value in record.metrics.items():
            table.add_row(name, f"{value:g}")
        print_table(table)
    if record.file in settings.named_data:
        print(f"next:  cd {record.folder} && mlops run")
    else:
        print(f'next:  name it in mlops.toml: data = "{record.file}" in [source] or a [tables.NAME]')
