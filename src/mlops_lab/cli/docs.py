"""`mlops docs VERSION DIR`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from mlops_lab.cli.records.docs import DocsRecord
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record, print_table
from mlops_lab.exporters.folder import fill_new_folder
from mlops_lab.lineage.documents.document_list import DOCUMENTS, choose_documents
from mlops_lab.lineage.documents.openlineage import make_events
from mlops_lab.lineage.documents.send_events import API_KEY, check_address, send_events
from mlops_lab.lineage.documents.version_facts import read_version_facts
from mlops_lab.lineage.documents.write import write_documents

_NAMES = ",".join(document.name for document in DOCUMENTS)


def command(
    version: Annotated[int, typer.Argument(help="The number of a registered version.")],
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.", metavar="DIR")],
    only: Annotated[str | None, typer.Option(help=f"Only these: some of {_NAMES}.", show_default="all")] = None,
    send: Annotated[
        str | None, typer.Option(help=f"Send the OpenLineage events to this URL, too (key: {API_KEY}).", metavar="URL")
    ] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Write documents about a version for other tools: model card, bill of materials, data, lineage, OCI layout.

    All in them comes from the lake, the registry and the package; the same version gives the same files.
    """
    documents = choose_documents(only)
    if send:
        check_address(send)
    facts = read_version_facts(open_project(project), version)
    with fill_new_folder(folder) as draft:
        written = write_documents(facts, documents, draft)
        events = make_events(facts) if send else []
        if send:
            send_events(send, events, api_key=os.environ.get(API_KEY))
    if json:
        print_record(
            DocsRecord(folder=str(folder), version=version, documents=written, sent_events=len(events)),
        )
        return
    table = Table("document", "in", "what it is", box=None)
    for document in written:
        table.add_row(document.name, str(folder / document.main), document.summary)
    print_table(table)
    if send:
        print(f"{len(events)} events sent to {send}")
