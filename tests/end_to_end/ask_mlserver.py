"""Ask a server as MLServer's users do: with its codecs, and with `mlserver infer`, its client for files. `python
ask_mlserver.py JOB`, in an environment that has it; prints what `ask_kserve.py` prints."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pandas as pd
from mlserver.codecs import DatetimeCodec, NumpyCodec, PandasCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse, MetadataModelResponse, RequestInput

TYPES = {"BYTES": "object", "INT64": "int64", "FP64": "float64", "BOOL": "bool"}


def infer(url: str, *requests: InferenceRequest) -> list[InferenceResponse]:
    answers = []
    for request in requests:
        body = request.model_dump_json().encode()
        with urlopen(Request(f"{url}/infer", body, {"Content-Type": "application/json"})) as answer:
            answers.append(InferenceResponse.model_validate_json(answer.read()))
    return answers


def by_codecs(frame: pd.DataFrame, kinds: dict[str, str]) -> InferenceRequest:
    """Each column by the codec of its kind; what is missing altogether is left out."""
    inputs: list[RequestInput] = []
    for name, kind in kinds.items():
        values = frame[name]
        if name == "asked_at":
            inputs.append(DatetimeCodec.encode_input(name, list(values), use_bytes=False))
        elif values.notna().all() and kind == "BYTES":
            inputs.append(StringCodec.encode_input(name, list(values), use_bytes=False))
        elif values.notna().all() or kind == "FP64":
            inputs.append(NumpyCodec.encode_input(name, values.to_numpy(TYPES[kind])))
    return InferenceRequest(inputs=inputs)


def by_files(job: dict[str, Any], requests: list[InferenceRequest], *, size: int) -> list[float]:
    """By `mlserver infer`, `size` requests of one row at a time."""
    Path("asked.jsonl").write_text("".join(request.model_dump_json() + "\n" for request in requests))
    host, program = job["url"].removeprefix("http://"), Path(sys.executable).with_name("mlserver")
    files = ["-i", "asked.jsonl", "-o", "answered.jsonl", "--batch-size", str(size)]
    subprocess.run([str(program), "infer", "-u", host, "-m", job["model"], *files], check=True, capture_output=True)
    answers = [json.loads(line) for line in Path("answered.jsonl").read_text().splitlines()]
    answers.sort(key=lambda answer: answer["parameters"]["batch_index"])
    return [output["data"][0] for answer in answers for output in answer["outputs"] if output["name"] == "output"]


def ask(job: dict[str, Any]) -> dict[str, Any]:
    base, kinds = f"{job['url']}/v2/models/{job['model']}", job["kinds"]
    with urlopen(base) as answer:
        metadata = MetadataModelResponse.model_validate_json(answer.read())
    columns = {name: [row[name] for row in job["rows"]] for name in kinds}
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    single = [frame.iloc[[place]] for place in range(len(frame))]
    answers = infer(base, *(by_codecs(row, kinds) for row in single))
    codecs = [NumpyCodec.decode_output(answer.outputs[0]).item() for answer in answers]

    full = frame.dropna(subset=["customer", "express"])  # of missing values, MLServer's own codecs know NaN only
    typed = full.astype({name: TYPES[kind] for name, kind in kinds.items()})
    (told,) = infer(base, PandasCodec.encode_request(typed, use_bytes=False))
    decoded = PandasCodec.decode_response(told)
    some = frame.dropna().index[:20]  # `mlserver infer` merges tensors, so all rows must have all of them
    expected = [codecs[place] for place in some]
    requests = [by_codecs(single[place], kinds) for place in some]
    return {
        "codecs": codecs,
        "facts": {
            "inputs": {one.name for one in metadata.inputs or []} == {*kinds, "id"},
            "versions": decoded["version"].tolist() == [1] * len(full),
            "ids": len(set(decoded["id"])) == len(full),
            "pandas": decoded["output"].tolist() == [codecs[place] for place in full.index],
            "one by one": by_files(job, requests, size=1) == expected,
            "some together": by_files(job, requests, size=7) == expected,
        },
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ask(json.loads(Path(sys.argv[1]).read_text()))))
