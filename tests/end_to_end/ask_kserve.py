"""Ask a server by KServe's own client: `python ask_kserve.py JOB`, in an environment that has it. Prints, by way of asking,
the outputs, and under "facts" what else must be true."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

TYPES = {"INT64": np.int64, "FP64": np.float64, "BYTES": np.object_, "BOOL": np.bool_}


async def ask(job: dict[str, Any]) -> dict[str, Any]:
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    url, model, rows, kinds = job["url"], job["model"], job["rows"], job["kinds"]
    facts = {
        "live": await client.is_server_live(url),
        "ready": await client.is_server_ready(url),
        "model is ready": await client.is_model_ready(url, model),
        "no other is": not await client.is_model_ready(url, "other"),
    }
    columns = {name: [row[name] for row in rows] for name in kinds}

    def inputs(*, binary: bool) -> list[InferInput]:
        made = []
        for name, kind in kinds.items():
            values = columns[name]
            tensor = InferInput(name, [len(rows)], kind, data=values)
            if binary and (
                kind == "FP64" or None not in values
            ):  # NaN is a missing number; a missing text is only JSON's
                tensor.set_data_from_numpy(np.array(values, TYPES[kind]), binary_data=True)
            made.append(tensor)
        return made

    told: dict[str, Any] = {}
    for way, binary in (("json", False), ("binary", True)):
        request = InferRequest(model, inputs(binary=binary), parameters={"binary_data_output": binary})
        answer = await client.infer(url, request, model_name=model)
        outputs = {output.name: output for output in answer.outputs}
        facts[f"{way}: versions"] = outputs["version"].as_numpy().tolist() == [1] * len(rows)
        told[way] = outputs["output"].as_numpy().tolist()
    await client.close()
    return {**told, "facts": facts}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(ask(json.loads(Path(sys.argv[1]).read_text())))))
