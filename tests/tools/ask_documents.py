"""Checks a document with its own tool: `python ask_documents.py CHECK ARGUMENTS…`, in the environment of these tools.

Writes what the tool has found in it, as JSON, on one line.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from pathlib import Path


def card(path):
    """The metadata that Hugging Face reads from a model card."""
    from huggingface_hub import ModelCard

    data = ModelCard.load(path).data
    results = {result.metric_type: result.metric_value for result in data.eval_results}
    return {"name": data.model_name, "license": data.license, "pipeline": data.pipeline_tag, "results": results}


def bom(path):
    """The errors of a bill of materials by CycloneDX's own schema, and the components that its library reads."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = Path(path).read_text()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    read = Bom.from_json(json.loads(text))
    return {"error": error and str(error), "components": sorted(part.name for part in read.components)}


def croissant(path):
    """The issues that mlcroissant finds, and the number of rows that it loads of each record set."""
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=path)
    rows = {records.name: sum(1 for _ in dataset.records(records.uuid)) for records in dataset.metadata.record_sets}
    issues = dataset.metadata.ctx.issues
    return {"errors": sorted(issues.errors), "warnings": sorted(issues.warnings), "rows": rows}


def openlineage(path):
    """The events as OpenLineage's own types read them: every facet is known, and nothing in it is not."""
    import cattrs
    from openlineage.client import event_v2, generated
    from openlineage.client.serde import Serde

    converter = cattrs.Converter(forbid_extra_keys=True)
    facets = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for kind in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(kind, type) and kind.__name__.endswith("Facet"):
                facets[kind._get_schema()] = kind

    def read_facets(found):
        read = {}
        for key, facet in found.items():
            content = {name: value for name, value in facet.items() if name != "_schemaURL"}
            read[key] = converter.structure(content, facets[facet["_schemaURL"]])
        return read

    def read_datasets(found, kind, own):
        for dataset in found:
            parts = {**dataset, "facets": read_facets(dataset["facets"]), own: read_facets(dataset[own])}
            yield kind(**parts)

    events = []
    for line in Path(path).read_text().splitlines():
        event = json.loads(line)
        assert event.pop("schemaURL").endswith("#/$defs/RunEvent")
        events.append(
            event_v2.RunEvent(
                eventTime=event["eventTime"],
                eventType=event_v2.RunState[event["eventType"]],
                producer=event["producer"],
                run=event_v2.Run(event["run"]["runId"], read_facets(event["run"]["facets"])),
                job=event_v2.Job(event["job"]["namespace"], event["job"]["name"], read_facets(event["job"]["facets"])),
                inputs=list(read_datasets(event["inputs"], event_v2.InputDataset, "inputFacets")),
                outputs=list(read_datasets(event["outputs"], event_v2.OutputDataset, "outputFacets")),
            )
        )
    return [json.loads(Serde.to_json(event)) for event in events]


def registry(layout, reference, folder):
    """Pushes an OCI layout with oras, pulls it with the client of ModelPack; the files and the configuration."""
    from modelpack_client import ModelPackClient
    from oras.client import OrasClient
    from oras.layout import NewLayout

    tag = reference.rpartition(":")[2]
    NewLayout(layout).push_to_registry(OrasClient(insecure=True), reference, tag)
    pulled = ModelPackClient(insecure=True).pull(reference, folder)
    files = sorted(str(Path(file).relative_to(Path(folder).resolve())) for file in pulled.files)
    return {"files": files, "config": dict(pulled.config), "artifact": pulled.manifest["artifactType"]}


CHECKS = {check.__name__: check for check in (card, bom, croissant, openlineage, registry)}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(CHECKS[sys.argv[1]](*sys.argv[2:])) + "\n")
