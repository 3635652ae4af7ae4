"""The list of documents."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_lab.errors import InvalidInput
from mlops_lab.lineage.documents.document import Document

_HERE = "mlops_lab.lineage.documents"
DOCUMENTS: tuple[Document, ...] = (
    Document(
        name="card",
        summary="model card, as Hugging Face writes it",
        main="README.md",
        module=f"{_HERE}.model_card",
    ),
    Document(
        name="bom",
        summary="bill of materials: model, data, packages (CycloneDX 1.6)",
        main="bom.cdx.json",
        module=f"{_HERE}.bill_of_materials",
    ),
    Document(
        name="croissant",
        summary="the tables that it was trained on (Croissant 1.0)",
        main="croissant.json",
        module=f"{_HERE}.croissant",
    ),
    Document(
        name="openlineage",
        summary="events of its training, one a line (OpenLineage)",
        main="openlineage.ndjson",
        module=f"{_HERE}.openlineage",
    ),
    Document(
        name="mlmodel",
        summary="a folder that MLflow loads, with the facts in MLmodel",
        main="mlmodel",
        module=f"{_HERE}.mlflow_folder",
    ),
    Document(
        name="oci",
        summary="package and documents as an OCI layout, for a registry (ModelPack)",
        main="oci",
        module=f"{_HERE}.oci_layout",
    ),
)


def choose_documents(names: str | None) -> Sequence[Document]:
    """The documents named in a list such as "card,bom"; all of them where there is none. InvalidInput names what is
    unknown."""
    if names is None:
        return DOCUMENTS
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {document.name for document in DOCUMENTS}
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise InvalidInput(
            f'"{unknown[0]}" is no document' if unknown else "it names no document",
            code="unknown_document",
            where="--only",
            hint=f"choose some of {','.join(document.name for document in DOCUMENTS)}",
        )
    return [document for document in DOCUMENTS if document.name in wanted]
