"""Whichever protocol a client speaks, the same row gets the same number; and what is wrong is told as the protocol has it."""

from __future__ import annotations

import asyncio
import http.client
import json
import math
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
from running import Server, Talk, serving, until
from speaking import PARCEL, delimited, frames, tensors
from synthetic import World, ask, day_begin
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.serving.answering.routing_table import read_routing_table, write_routing_table

ODD = [
    {"asked_at": "2024-03-25T09:30:00.123456+05:30", "depot": "nowhere \u2603, \U0001f4e6", "customer": 'k"1"'},
    {"asked_at": "2024-03-31T02:30:00+02:00", "depot": "b", "customer": None, "weight": None, "express": None},
    {"asked_at": "2024-03-25T09:30:00Z", "depot": "a", "items": 2**40, "distance": 1e-300, "weight": -0.0},
    {"asked_at": "2024-03-25T09:30:00Z", "depot": "c", "items": -3, "distance": 0.1, "weight": 3.0000000000000004},
]
PLAIN = {"customer": "k1", "items": 3, "distance": 12.25, "weight": 1.5, "express": False}
FLOWERS = [
    {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2},
    {"sepal_length": 6.3, "sepal_width": 2.9, "petal_length": 5.6, "petal_width": 1.8},
    {"sepal_length": 5, "sepal_width": 2.3, "petal_length": 3.3, "petal_width": 1},
]
PATIENTS = [{"age": 59.0, "bmi": 32.1, "bp": 101, "s5": 4.8598}, {"age": 48, "bmi": 21.6, "bp": 87.0, "s5": 3.8918}]


@pytest.fixture(scope="module")
def talk(shared_server: Server) -> Talk:
    return shared_server.talk()


@pytest.fixture(scope="module")
def rows(world: World) -> list[dict[str, Any]]:
    """Requests of the made-up world, with missing values among them, and some that nobody would make up."""
    asked = [ask(row) for row in world.parcels.filter(world.parcels["asked_at"] >= day_begin(24)).head(60).to_dicts()]
    return [{name: row[name] for name in PARCEL} for row in [*asked, *({**PLAIN, **row} for row in ODD)]]


@pytest.fixture(scope="module")
def outputs(talk: Talk, rows: list[dict[str, Any]]) -> list[float]:
    """What our own JSON says to them."""
    status, answers = talk.post("/v1/predict", rows)
    assert status == 200
    assert any(row["weight"] is None for row in rows)
    assert len({answer["output"] for answer in answers}) > 30
    return [answer["output"] for answer in answers]


def infer(talk: Talk, inputs: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The outputs by name, of a request in JSON."""
    status, answer = talk.post("/v2/models/parcels/infer", {"inputs": inputs, **more})
    assert status == 200, answer
    return {output["name"]: output["data"] for output in answer["outputs"]}


def invoke(talk: Talk, body: bytes, media: str = "application/json") -> list[Any]:
    status, answer = talk.send("POST", "/invocations", body, headers={"Content-Type": media})
    assert status == 200, answer
    assert answer.keys() == {"predictions"}
    return answer["predictions"]


def connect(server: Server) -> triton.InferenceServerClient:
    address = server.process.address
    return triton.InferenceServerClient(f"{address.host}:{address.port}")


# ---- the same number -------------------------------------------------------------------------------------------------


def test_tensors_in_json(talk: Talk, rows: list[dict[str, Any]], outputs: list[float]) -> None:
    told = infer(talk, tensors(rows, PARCEL))
    assert told["output"] == outputs
    assert told["version"] == [1] * len(rows)
    assert len(set(told["id"])) == len(rows)


def test_tensors_of_other_shapes_and_types_that_hold_the_same(
    talk: Talk, rows: list[dict[str, Any]], outputs: list[float]
) -> None:
    inputs = tensors(rows, {**PARCEL, "items": "FP64"})
    for tensor in inputs:
        tensor["shape"] = [len(rows), 1]
        tensor["parameters"] = {"content_type": "np", "whatever": [1]}
    inputs[1]["data"] = [[value] for value in inputs[1]["data"]]
    assert infer(talk, inputs, parameters={"content_type": "pd"}, outputs=[{"name": "output"}]) == {"output": outputs}


def test_what_may_be_null_may_be_left_out(talk: Talk, rows: list[dict[str, Any]]) -> None:
    bare = [{**row, "customer": None, "weight": None, "express": None} for row in rows]
    required = {name: PARCEL[name] for name in ("asked_at", "depot", "items", "distance")}
    assert infer(talk, tensors(rows, required))["output"] == infer(talk, tensors(bare, PARCEL))["output"]


def test_a_shorter_number_is_the_one_that_it_holds(talk: Talk) -> None:
    """Some clients write a float32 as 0.1, which is nearest to it, others as all of its digits, or in binary."""
    row = {**PLAIN, "asked_at": "2024-03-25T09:30:00Z", "depot": "b"}
    told = [
        infer(talk, tensors([{**row, "distance": distance}], {**PARCEL, "distance": kind}))["output"]
        for distance, kind in ((77.1, "FP32"), (float(np.float32(77.1)), "FP32"), (float(np.float32(77.1)), "FP64"))
    ]
    assert told[0] == told[1] == told[2]


def test_mlflows_five_forms(talk: Talk, rows: list[dict[str, Any]], outputs: list[float]) -> None:
    for form, data in frames(rows).items():
        assert invoke(talk, json.dumps({form: data, "params": {"t": 1}}).encode()) == outputs, form
    assert invoke(talk, delimited(rows), "text/csv; charset=utf-8") == outputs
    assert invoke(talk, b"\xef\xbb\xbf" + delimited(rows), "text/csv") == outputs


def test_mlflow_drops_columns_that_no_field_is_named_like(
    talk: Talk, rows: list[dict[str, Any]], outputs: list[float]
) -> None:
    wide = [{"unnamed: 0": place, **row, "late": True} for place, row in enumerate(rows)]
    for form, data in frames(wide).items():
        assert invoke(talk, json.dumps({form: data}).encode()) == outputs
    assert invoke(talk, delimited(wide), "text/csv") == outputs


def test_nan_is_a_missing_value(talk: Talk, rows: list[dict[str, Any]], outputs: list[float]) -> None:
    """As json.dumps writes what pandas holds; NaN is no JSON."""
    nan = [{name: math.nan if value is None else value for name, value in row.items()} for row in rows]
    body = json.dumps({"dataframe_records": nan}).encode()
    assert b"NaN" in body
    assert invoke(talk, body) == outputs


@pytest.mark.parametrize("cell", ["", " ", "NA", "NaN", "null", "None", "<NA>"])
def test_a_cell_without_a_number(talk: Talk, cell: str) -> None:
    row = {**PLAIN, "asked_at": "2024-03-25T09:30:00Z", "depot": "b"}
    expected = [talk.predict({**row, "weight": None, "express": None})["output"]]
    assert invoke(talk, delimited([{**row, "weight": cell, "express": cell}]), "text/csv") == expected


def test_an_id_is_kept_by_all_protocols(talk: Talk) -> None:
    row = {**PLAIN, "asked_at": "2024-03-25T09:30:00Z", "depot": "b"}
    first = talk.predict({"id": "known", **row})
    told = infer(talk, tensors([{"id": "known", **row}], {"id": "BYTES", **PARCEL}))
    assert (told["id"], told["output"]) == (["known"], [first["output"]])
    position = talk.status["position"]
    assert infer(talk, tensors([row], PARCEL), id="known")["id"] == ["known"], "the id of a request of one row"
    assert invoke(talk, json.dumps({"inputs": [{"id": "known", **row}]}).encode()) == [first["output"]]
    assert talk.status["position"] == position, "it was answered before"
    assert set(infer(talk, tensors([row, row], PARCEL), id="known")["id"]).isdisjoint({"known"})
    status, refused = talk.post(
        "/v2/models/parcels/infer", {"inputs": tensors([{**row, "items": 4}], PARCEL), "id": "known"}
    )
    assert status == 409
    assert "was answered before" in refused["error"]


@pytest.mark.parametrize(("name", "asked"), [("iris", FLOWERS), ("diabetes", PATIENTS)])
def test_a_class_or_a_number(copies: Any, name: str, asked: list[dict[str, Any]]) -> None:
    project = copies(name)
    with serving(project) as server:
        talk = server.talk()
        own = [answer["output"] for answer in talk.post("/v1/predict", asked)[1]]
        flat = [list(output.values()) if isinstance(output, dict) else output for output in own]
        kinds = dict.fromkeys(asked[0], "FP64")
        for data in frames(asked).items():
            assert invoke(talk, json.dumps(dict([data])).encode()) == flat
        assert invoke(talk, delimited(asked), "text/csv") == flat
        status, answer = talk.post(f"/v2/models/{name}/infer", {"inputs": tensors(asked, kinds)})
        assert status == 200
        assert np.array(answer["outputs"][0]["data"]).reshape(answer["outputs"][0]["shape"]).tolist() == flat
        client = connect(server)
        inputs = [triton.InferInput(one, [len(asked)], "FP64") for one in kinds]
        for tensor, column in zip(inputs, kinds, strict=True):
            tensor.set_data_from_numpy(np.array([row[column] for row in asked], float))
        assert client.infer(name, inputs).as_numpy("output").tolist() == flat
        metadata = client.get_model_metadata(name)
        assert metadata["outputs"][0].get("parameters") == ({"classes": list(own[0])} if name == "iris" else None)
        if name == "iris":
            _assert_whole(project, talk)


def _assert_whole(project: Project, talk: Talk) -> None:
    """Where one row has no answer, no row is answered, and none is logged as if it had been."""
    mixed = [FLOWERS[0], {**FLOWERS[1], "petal_length": None}]
    counted = _answered(talk)
    status, refused = talk.post("/invocations", {"dataframe_records": mixed})
    assert (status, refused["error_code"]) == (400, "BAD_REQUEST")
    assert refused["message"].startswith("rows[1], fields without a value: petal_length: ")
    status, refused = talk.post("/v2/models/iris/infer", {"inputs": tensors(mixed, dict.fromkeys(FLOWERS[0], "FP64"))})
    assert status == 400
    assert refused["error"].startswith("rows[1], fields without a value: petal_length: ")
    named = [{"id": "w1", **FLOWERS[0]}, {"id": "w1", **FLOWERS[1]}]
    status, refused = talk.post("/invocations", {"inputs": named})
    assert (status, refused["error_code"]) == (409, "RESOURCE_CONFLICT")
    assert refused["message"].startswith("rows[1].id: ")
    assert _answered(talk) == counted
    assert invoke(talk, json.dumps({"inputs": named[1:]}).encode()), "the id is still free"
    lake = Lake(project.lake_path)
    ingest_journal(project, lake)
    assert lake.read("predictions").height == counted + 1
    assert lake.read("refusals")["reason"].to_list() == ["no_answer", "no_answer"]


def _answered(talk: Talk) -> int:
    lines = [line for line in talk.text("/metrics").splitlines() if line.startswith("mlops_predictions_total{")]
    return sum(int(line.split()[-1]) for line in lines)


# ---- their own clients -----------------------------------------------------------------------------------------------


def test_tritons_client(shared_server: Server, rows: list[dict[str, Any]], outputs: list[float]) -> None:
    client = connect(shared_server)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("parcels")
    assert client.is_model_ready("parcels", "1")
    assert not client.is_model_ready("parcels", "2")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = client.get_model_metadata("parcels")
    assert metadata["versions"] == ["1"]
    assert {one["name"]: one["datatype"] for one in metadata["inputs"]} == {**PARCEL, "id": "BYTES"}
    assert {one["name"]: one["datatype"] for one in metadata["outputs"]} == {
        "output": "FP64",
        "id": "BYTES",
        "version": "INT64",
    }

    full = [place for place, row in enumerate(rows) if row["customer"] is not None and row["express"] is not None]
    assert any(rows[place]["weight"] is None for place in full)
    for binary, coding in ((True, None), (False, None), (True, "gzip"), (False, "gzip")):
        inputs = triton_inputs([rows[place] for place in full], binary=binary)
        found = client.infer("parcels", inputs, model_version="1", request_compression_algorithm=coding)
        assert found.as_numpy("output").tolist() == [outputs[place] for place in full]
        assert found.as_numpy("version").tolist() == [1] * len(full)
        assert len({text.decode() for text in found.as_numpy("id")}) == len(full)
        wanted = [triton.InferRequestedOutput("output", binary_data=binary)]
        found = client.infer("parcels", triton_inputs([rows[0]], binary=binary), outputs=wanted, request_id="t-1")
        assert found.get_response()["id"] == "t-1"
        assert [one["name"] for one in found.get_response()["outputs"]] == ["output"]
        assert found.as_numpy("output").tolist() == outputs[:1]


def triton_inputs(rows: list[dict[str, Any]], *, binary: bool) -> list[triton.InferInput]:
    """The rows as Triton's client takes them: it has no null, so NaN stands for a missing number, in JSON, too."""
    types = {"BYTES": np.object_, "INT64": np.int64, "FP64": np.float64, "BOOL": np.bool_}
    inputs = []
    for name, kind in PARCEL.items():
        values = [math.nan if row[name] is None else row[name] for row in rows]
        if math.nan in values and kind != "FP64":
            continue
        tensor = triton.InferInput(name, [len(rows), 1], kind)
        data = np.array(values, types[kind]).reshape(-1, 1)
        inputs.append(tensor.set_data_from_numpy(data, binary_data=binary))
    return inputs


def test_tritons_client_is_told_what_is_wrong(shared_server: Server, rows: list[dict[str, Any]]) -> None:
    client = connect(shared_server)
    with pytest.raises(InferenceServerException, match=r"missing: items.*the inputs are asked_at") as caught:
        client.infer("parcels", [one for one in triton_inputs(rows[:1], binary=True) if one.name() != "items"])
    assert caught.value.status() == "400"
    with pytest.raises(InferenceServerException, match="version 7 cannot be asked for: it is version 1"):
        client.infer("parcels", triton_inputs(rows[:1], binary=True), model_version="7")
    with pytest.raises(InferenceServerException, match="send the body as it is") as caught:
        client.infer("parcels", triton_inputs(rows[:1], binary=True), request_compression_algorithm="deflate")
    assert caught.value.status() == "415"


def test_mlflows_client(shared_server: Server, rows: list[dict[str, Any]], outputs: list[float]) -> None:
    import pandas as pd
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    address = shared_server.process.address
    client = ScoringServerClient(address.host, address.port)
    client.wait_server_ready(timeout=5)
    assert client.get_version().startswith("3.")
    frame = pd.DataFrame(rows)
    assert frame["weight"].isna().any()
    assert client.invoke(frame).get_predictions()[0].tolist() == outputs
    assert client.invoke(rows, params={"temperature": 1}).get_predictions()[0].tolist() == outputs
    wrong = frame.astype({"items": object})
    wrong.loc[3, "items"] = "many"
    with pytest.raises(Exception, match=r"error code 400.*BAD_REQUEST.*rows\[3\]\.items"):
        client.invoke(wrong)


def test_what_mlflows_own_server_answers_is_answered_here(copies: Any) -> None:
    """On the package of the same project, which MLflow loads by itself."""
    import mlflow
    from mlflow.pyfunc import scoring_server

    project = copies("iris")
    (package,) = project.home.rglob("artifacts/model")
    app = scoring_server.init(mlflow.pyfunc.load_model(str(package)))

    async def ask_theirs(body: bytes, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://theirs") as client:
            return await client.post("/invocations", content=body, headers=headers)

    as_json = {"content-type": "application/json"}
    split = frames(FLOWERS)["dataframe_split"]
    bodies = [
        *((json.dumps({form: data}).encode(), as_json) for form, data in frames(FLOWERS).items()),
        (delimited(FLOWERS), {"content-type": "text/csv"}),
        (json.dumps({"dataframe_records": [{**row, "more": "x"} for row in FLOWERS], "params": {}}).encode(), as_json),
        (json.dumps({"dataframe_split": {**split, "index": [7, 8, 9]}}).encode(), as_json),
        (json.dumps({"inputs": FLOWERS}).encode(), as_json),
        (json.dumps({"dataframe_split": split, "inputs": FLOWERS}).encode(), as_json),
        (json.dumps({"rows": FLOWERS}).encode(), as_json),
        (json.dumps(FLOWERS).encode(), as_json),
        (b"{", as_json),
        (json.dumps({"dataframe_records": [{"sepal_length": 5.1}]}).encode(), as_json),
        (b"sepal_length=5", {"content-type": "application/x-www-form-urlencoded"}),
        (b"{}", {"content-type": "application/json; charset=latin-1"}),
    ]
    with serving(project) as server:
        talk = server.talk()
        for body, headers in bodies:
            status, answer = talk.send("POST", "/invocations", body, headers=headers)
            expected = asyncio.run(ask_theirs(body, headers))
            assert status == expected.status_code, (body, answer, expected.text)
            if status == 200:
                assert np.array(answer["predictions"]) == pytest.approx(
                    np.array(expected.json()["predictions"]), abs=1e-6
                )
            elif status == 400:
                assert expected.json().keys() >= answer.keys() == {"error_code", "message"}


@pytest.mark.tools
@pytest.mark.parametrize("peer", ["kserve", "mlserver"])
def test_clients_that_live_elsewhere(
    shared_server: Server, rows: list[dict[str, Any]], outputs: list[float], peer: str, tmp_path: Path
) -> None:
    """KServe's and MLServer's, in environments of their own: see the scripts."""
    python = Path(__file__).parents[2] / ".peers" / peer / "bin" / "python"
    if not python.exists():
        assert not os.environ.get("CI"), f"CI lacks .peers/{peer}"
        pytest.skip(f"needs {peer} in an environment of its own: make peers")
    address = shared_server.process.address
    job = {"url": f"http://{address.host}:{address.port}", "model": "parcels", "rows": rows, "kinds": PARCEL}
    (tmp_path / "job.json").write_text(json.dumps(job))
    script = Path(__file__).with_name(f"ask_{peer}.py")
    done = subprocess.run(
        [str(python), str(script), str(tmp_path / "job.json")], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    facts = told.pop("facts")
    assert all(facts.values()), facts
    assert told
    for way, found in told.items():
        assert found == outputs, way


# ---- what is wrong ---------------------------------------------------------------------------------------------------

GOOD = {**PLAIN, "asked_at": "2024-03-25T09:30:00Z", "depot": "b"}
TENSORS = {tensor["name"]: tensor for tensor in tensors([GOOD, GOOD], PARCEL)}


def with_tensor(name: str, **changes: Any) -> dict[str, Any]:
    return {"inputs": list({**TENSORS, name: {**TENSORS.get(name, {"name": name}), **changes}}.values())}


BAD_TENSORS: dict[str, tuple[Any, str]] = {
    "no inputs": ({}, "inputs"),
    "none of them": ({"inputs": []}, "the inputs are asked_at"),
    "missing": ({"inputs": [TENSORS["depot"]]}, "missing: asked_at, items, distance"),
    "unknown": (with_tensor("colour", datatype="BYTES", shape=[2], data=["a", "b"]), "unknown: colour"),
    "twice": ({"inputs": [*TENSORS.values(), TENSORS["depot"]]}, "given twice: depot"),
    "text for a number": (with_tensor("items", datatype="BYTES", data=["3", "4"]), "$.inputs[3].datatype: is BYTES"),
    "text in a number": (
        with_tensor("items", data=["3", "4"]),
        "$.inputs[3].data[0]: Expected `int | null`, got `str`",
    ),
    "fraction": (with_tensor("items", data=[3, 4.5]), "$.inputs[3].data[1]"),
    "fraction as float": (with_tensor("items", datatype="FP64", data=[3, 4.5]), "rows[1].items"),
    "truth as number": (with_tensor("items", data=[3, True]), "$.inputs[3].data[1]"),
    "number as truth": (with_tensor("express", data=[True, 1]), "$.inputs[6].data[1]"),
    "beyond a float": (with_tensor("distance", datatype="INT64", data=[1, 2**53 + 1]), "no FP64 holds exactly"),
    "beyond 64 bits": (with_tensor("items", data=[1, 2**63]), "$.inputs[3].data[1]"),
    "far beyond 64 bits": (with_tensor("distance", data=[1, 10**400]), "inputs[4].data"),
    "beyond a short float": (with_tensor("distance", datatype="FP32", data=[1, 1e300]), "rows[1].distance"),
    "null": (with_tensor("items", data=[3, None]), "rows[1].items: Expected `int`, got `null`"),
    "naive moment": (with_tensor("asked_at", data=["2024-03-25T09:30:00Z", "2024-03-25"]), "rows[1].asked_at"),
    "in the future": (with_tensor("asked_at", data=["2024-03-25T09:30:00Z", "2200-03-25T09:30:00Z"]), "rows[1]"),
    "unknown datatype": (with_tensor("items", datatype="FP8"), "$.inputs[3].datatype"),
    "too few": (with_tensor("items", data=[3]), "$.inputs[3].data: holds 1 values"),
    "no data": (with_tensor("items", data=None), "$.inputs[3].data: is missing"),
    "data elsewhere": (with_tensor("items", data=None, parameters={"binary_data_size": 16}), "0 bytes are left"),
    "size of a text": (with_tensor("items", data=None, parameters={"binary_data_size": "16"}), "binary_data_size"),
    "other rows": (with_tensor("items", shape=[1], data=[3]), "$.inputs[3].shape: has 1 rows, and the one before it 2"),
    "matrix": (with_tensor("items", shape=[1, 2]), "$.inputs[3].shape"),
    "deeper": (with_tensor("items", data=[[[3]], [[4]]]), "$.inputs[3].data[0]"),
    "no shape": (with_tensor("items", shape=[]), "$.inputs[3].shape"),
    "negative shape": (with_tensor("items", shape=[-1]), "$.inputs[3].shape"),
    "huge shape": (with_tensor("items", shape=[10**18]), "$.inputs[3].data"),
    "shape of texts": (with_tensor("items", shape=["2"]), "$.inputs[3].shape[0]"),
    "unknown output": ({**with_tensor("items"), "outputs": [{"name": "loss"}]}, "$.outputs[0].name"),
    "number for an id": ({**with_tensor("items"), "id": 3}, "$.id"),
    "no object": ([TENSORS["items"]], "$: Expected `object`"),
}


@pytest.mark.parametrize("name", BAD_TENSORS)
def test_bad_tensors_are_refused_and_nothing_is_logged(talk: Talk, name: str) -> None:
    body, what = BAD_TENSORS[name]
    position = talk.status["position"]
    status, answer = talk.post("/v2/models/parcels/infer", body)
    assert status == 400
    assert answer.keys() == {"error"}
    assert what in answer["error"]
    assert talk.status["position"] == position


GOOD_JSON = json.dumps(with_tensor("items", data=None, parameters={"binary_data_size": 16})).encode()
BAD_BINARY: dict[str, tuple[bytes, bytes, str]] = {
    "no number": (GOOD_JSON + bytes(16), b"x", "header inference-header-content-length"),
    "negative": (GOOD_JSON + bytes(16), b"-1", "header inference-header-content-length"),
    "too long": (GOOD_JSON + bytes(16), b"99999", "header inference-header-content-length"),
    "huge": (GOOD_JSON + bytes(16), b"9" * 5000, "header inference-header-content-length"),
    "too short": (GOOD_JSON + bytes(16), b"3", "not JSON"),
    "too few bytes": (GOOD_JSON + bytes(15), b"%d" % len(GOOD_JSON), "15 bytes are left"),
    "too many bytes": (GOOD_JSON + bytes(17), b"%d" % len(GOOD_JSON), "1 bytes follow"),
    "other size": (
        GOOD_JSON.replace(b": 16}", b": 15}") + bytes(15),
        b"%d" % len(GOOD_JSON),
        "is 15 bytes, expected 16",
    ),
}


@pytest.mark.parametrize("name", BAD_BINARY)
def test_bad_binary_is_refused(talk: Talk, name: str) -> None:
    body, length, what = BAD_BINARY[name]
    headers = {"Inference-Header-Content-Length": length.decode()}
    status, answer = talk.send("POST", "/v2/models/parcels/infer", body, headers=headers)
    assert status == 400
    assert what in answer["error"]


@pytest.mark.parametrize(
    "raw", [b"\x01\0\0\0\xff\x01\0\0\0b", b"\x05\0\0\0b", b"\xff\xff\xff\xffb", b"b", b"\x01\0\0\0b"]
)
def test_bad_binary_texts_are_refused(talk: Talk, raw: bytes) -> None:
    head = json.dumps(with_tensor("depot", data=None, parameters={"binary_data_size": len(raw)})).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    status, answer = talk.send("POST", "/v2/models/parcels/infer", head + raw, headers=headers)
    assert status == 400
    assert "$.inputs[1].data" in answer["error"]


BAD_FRAMES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not JSON"),
    "list": (json.dumps([GOOD]).encode(), "exactly one of dataframe_split"),
    "none": (b'{"rows": []}', "none of the fields"),
    "two": (json.dumps({"inputs": [GOOD], "instances": [GOOD]}).encode(), "inputs and instances"),
    "Infinity": (json.dumps({"inputs": [{**GOOD, "distance": math.inf, "weight": math.nan}]}).encode(), "not JSON"),
    "number beyond a float": (b'{"inputs": [{"a": NaN, "distance": 1e999}]}', "not JSON"),
    "lone surrogate": (b'{"inputs": [{"weight": NaN, "depot": "\\ud800"}]}', "not JSON"),
    "deep": (b'{"inputs": ' + b"[" * 100_000 + b"NaN", "not JSON"),
    "rows without names": (b'{"inputs": [[1, 2]]}', "$.inputs[0]: Expected `object`"),
    "one row": (json.dumps({"dataframe_records": GOOD}).encode(), "$.dataframe_records: Expected `array`"),
    "no columns": (b'{"dataframe_split": {"data": [[1]]}}', "$.dataframe_split"),
    "short row": (b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [1]]}}', "$.dataframe_split.data[1]"),
    "column twice": (b'{"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}', "$.dataframe_split.columns"),
    "short column": (b'{"inputs": {"a": [1], "b": [1, 2]}}', "columns of 1 and 2 values"),
    "missing": (b'{"inputs": [{"depot": "a"}]}', "rows[0]: Object missing required field `asked_at`"),
    "text for a number": (json.dumps({"inputs": [GOOD, {**GOOD, "items": "3"}]}).encode(), "rows[1].items"),
    "truth for a number": (json.dumps({"inputs": [GOOD, {**GOOD, "distance": True}]}).encode(), "rows[1].distance"),
    "fraction": (json.dumps({"inputs": [GOOD, {**GOOD, "items": 3.5}]}).encode(), "rows[1].items"),
    "null": (json.dumps({"inputs": [GOOD, {**GOOD, "depot": None}]}).encode(), "rows[1].depot"),
}
BAD_FILES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "the body is empty"),
    "not UTF-8": (b"depot\n\xff", "not CSV in UTF-8"),
    "open quote": (b'depot\n"a', "not CSV in UTF-8"),
    "long row": (delimited([GOOD]).strip() + b",1", "rows[0]: 8 cells, and the header has 7"),
    "column twice": (b"depot,depot\na,b", "a column is given twice"),
    "no number": (delimited([GOOD, {**GOOD, "items": "many"}]), "rows[1].items: Expected `int`, got `str`"),
    "digits of other scripts": (delimited([{**GOOD, "items": "\u0663"}]), "rows[0].items"),
    "infinite": (delimited([{**GOOD, "distance": "1e999"}]), "rows[0].distance"),
    "inf": (delimited([{**GOOD, "distance": "inf"}]), "rows[0].distance"),
    "no truth": (delimited([{**GOOD, "express": "1"}]), "rows[0].express"),
    "no moment": (delimited([{**GOOD, "asked_at": "1711355400"}]), "rows[0].asked_at"),
    "empty text": (delimited([{**GOOD, "depot": ""}]), "rows[0].depot"),
}


@pytest.mark.parametrize(
    ("media", "name"),
    [*(("application/json", name) for name in BAD_FRAMES), *(("text/csv", name) for name in BAD_FILES)],
)
def test_bad_frames_are_refused_and_nothing_is_logged(talk: Talk, media: str, name: str) -> None:
    body, what = (BAD_FILES if media == "text/csv" else BAD_FRAMES)[name]
    position = talk.status["position"]
    status, answer = talk.send("POST", "/invocations", body, headers={"Content-Type": media})
    assert status == 400
    assert answer.keys() == {"error_code", "message"}
    assert answer["error_code"] == "BAD_REQUEST"
    assert what in answer["message"]
    assert talk.status["position"] == position


def test_no_rows_are_answered_with_none(talk: Talk) -> None:
    assert talk.post("/v1/predict", [])[1] == []
    assert infer(talk, tensors([], PARCEL)) == {"output": [], "id": [], "version": []}
    assert invoke(talk, b'{"inputs": []}') == []
    assert invoke(talk, b"depot\n", "text/csv") == []


def test_limits_hold_for_all_protocols(copy_project: Callable[[], Project]) -> None:
    project = copy_project()
    path = project.root / "mlops.toml"
    path.write_text(path.read_text() + "max_rows = 3\nmax_body_bytes = 4096\n")
    with serving(project) as server:
        talk = server.talk()
        many = [GOOD] * 4
        for url, body, told in (
            ("/v2/models/parcels/infer", {"inputs": tensors(many, PARCEL)}, "error"),
            ("/invocations", {"inputs": many}, "message"),
        ):
            assert talk.post(url, {**body, "id": "x"})[0] == 413
            status, answer = talk.post(url, {**body, "more": "x" * 4096})
            assert status == 413
            assert "serving.max_body_bytes" in answer[told]


def test_a_version_is_asked_for_by_its_number_only_while_it_answers_all(
    copy_project: Callable[..., Project], lived: Path
) -> None:
    project = copy_project(lived / "promoted")
    deployment = read_routing_table(project.deployment_path)
    assert deployment.previous is not None
    body = {"inputs": tensors([GOOD], PARCEL)}
    with serving(project) as server:
        talk = server.talk()

        def deploy(**changes: Any) -> None:
            changed = msgspec.structs.replace(deployment, generation=talk.status["generation"] + 1, **changes)
            write_routing_table(project.deployment_path, changed)
            until(lambda: talk.status["generation"] == changed.generation)

        assert talk.send("GET", "/v2/models/parcels")[1]["versions"] == ["2"]
        status, answer = talk.post("/v2/models/parcels/versions/2/infer", {**body, "id": "two"})
        assert (status, answer["model_version"]) == (200, "2")
        status, answer = talk.post("/v2/models/parcels/versions/1/infer", body)
        assert status == 404, "the version before is kept ready, and answers nobody"
        assert "it is version 2 that answers" in answer["error"]
        for url in ("/v2/models/parcels/versions/1", "/v2/models/parcels/versions/x/ready", "/v2/models/other"):
            status, answer = talk.send("GET", url)
            assert status == 404
            assert answer.keys() == {"error"}

        deploy(challenger=deployment.previous, canary_share=0.5, previous=None)
        assert talk.send("GET", "/v2/models/parcels")[1]["versions"] == []
        for version in (1, 2):
            status, answer = talk.post(f"/v2/models/parcels/versions/{version}/infer", body)
            assert status == 404
            assert "several versions share the requests now" in answer["error"]
        many = [{**GOOD, "customer": f"k{number}"} for number in range(40)]
        status, answer = talk.post("/v2/models/parcels/infer", {"inputs": tensors(many, PARCEL)})
        assert status == 200
        assert "model_version" not in answer
        assert set(answer["outputs"][2]["data"]) == {1, 2}

        deploy(champion=deployment.previous, previous=None)
        status, answer = talk.post("/v2/models/parcels/versions/1/infer", {**body, "id": "two"})
        assert status == 404, "the same id has its answer already"
        assert "answered by version 2, not by 1" in answer["error"]


@pytest.mark.parametrize(
    ("path", "allowed"), [("/v2", "GET, HEAD"), ("/v2/models/parcels/infer", "POST"), ("/invocations", "POST")]
)
def test_a_wrong_method_is_told_which_is_right(shared_server: Server, path: str, allowed: str) -> None:
    address = shared_server.process.address
    connection = http.client.HTTPConnection(address.host, address.port, timeout=30)
    connection.request("DELETE", path)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert f"use {allowed.removesuffix(', HEAD')}" in answer.read().decode()
    connection.close()
