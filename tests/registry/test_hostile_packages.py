"""A corpus of hostile packages: where the project signs, all are refused before a byte of them is parsed; where it does
not, their engines refuse them. In both cases nothing in them runs, nothing outside of them is read."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import shutil
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from msgspec.structs import replace
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LinearRegression

from mlops_lab.errors import EnvironmentFault, MlopsError
from mlops_lab.registry.engine_kinds import ENGINES
from mlops_lab.registry.engines.base import ModelFile
from mlops_lab.registry.engines.open import open_model
from mlops_lab.registry.package import PLAN_FILE, Plan, open_package, package_fingerprint, write_plan
from mlops_lab.registry.signing.sign import create_key, sign_package
from mlops_lab.registry.trust import Trust

TRUST = Trust(True, ("numpy.dtype",))
_BIG = 1 << 40


class Trap:
    """Unpickled, it leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


# ---- model files -----------------------------------------------------------------------------------------------------


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def with_joblib(trap: Trap) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(trap, buffer)
    return buffer.getvalue()


def with_numpy(trap: Trap, save: Callable[..., object]) -> bytes:
    buffer = io.BytesIO()
    save(buffer, np.array([trap], dtype=object))
    return buffer.getvalue()


PICKLES: dict[str, Callable[[Trap], bytes]] = {
    **{f"pickle {n}": lambda trap, n=n: pickle.dumps(trap, protocol=n) for n in range(6)},  # type: ignore[misc]
    "joblib": with_joblib,
    "gzip": lambda trap: gzip.compress(pickle.dumps(trap)),
    "torch": lambda trap: zipped({"archive/data.pkl": pickle.dumps(trap), "archive/version": b"3"}),
    "npy": lambda trap: with_numpy(trap, np.save),
    "npz": lambda trap: with_numpy(trap, np.savez),
    "tar": lambda trap: tarred("model.pkl", pickle.dumps(trap)),
    "behind the magic bytes of a zip": lambda trap: b"PK\x03\x04" + pickle.dumps(trap),
    "behind the first lines of a model": lambda trap: b"tree\nversion=v4\n" + pickle.dumps(trap),
    "Python": lambda trap: f"__import__('os').mkdir({str(trap.trace)!r})".encode(),
}


@pytest.mark.parametrize("disguise", PICKLES)
def test_a_pickle_in_any_disguise_is_refused_by_every_engine_that_this_process_runs(
    tmp_path: Path, disguise: str
) -> None:
    content = PICKLES[disguise](Trap(tmp_path / "trace"))
    for engine in ("forest", "lightgbm", "onnx"):
        refuse(make_plan(engine), content)
    assert not (tmp_path / "trace").exists()


# One runner for all: it takes a second to start.
def as_members_of_skops(trap: Trap) -> dict[str, bytes]:
    """A skops file whose array is a pickle, and one that names a function instead of a type."""
    good = skops.io.dumps(LinearRegression().fit(np.arange(6.0).reshape(3, 2), np.arange(3.0)))
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    arrays = {name: with_numpy(trap, np.save) for name in members if name.endswith(".npy")}
    assert arrays
    schema = (
        members["schema.json"]
        .replace(b'"LinearRegression"', b'"system"')
        .replace(b'"sklearn.linear_model._base"', b'"os"')
    )
    assert schema != members["schema.json"]
    return {
        "pickled array": zipped(members | arrays),
        "function": zipped(members | {"schema.json": schema}),
        "zip bomb": zipped({"schema.json": b" " * (256 << 20)}),
        "path traversal": zipped({"../../schema.json": members["schema.json"]}),
        "tar": tarred("schema.json", members["schema.json"]),
        "pickle": pickle.dumps(trap),
        "torch": PICKLES["torch"](trap),
        "joblib": PICKLES["joblib"](trap),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "what", ["pickled array", "function", "zip bomb", "path traversal", "tar", "pickle", "torch", "joblib"]
)
@pytest.mark.parametrize("engine", ["skops", "xgboost"])
def test_what_a_runner_is_given_is_refused_in_its_own_process(tmp_path: Path, what: str, engine: str) -> None:
    contents = as_members_of_skops(Trap(tmp_path / "trace"))
    refuse(make_plan(engine), contents[what])
    assert not (tmp_path / "trace").exists()


# ---- graphs ----------------------------------------------------------------------------------------------------------


def graph(nodes: list[Any], *tensors: TensorProto, domains: tuple[str, ...] = ()) -> bytes:
    given, answer = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("a", "answer"))
    made = helper.make_graph(nodes, "graph", [given], [answer], list(tensors))
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return bytes(helper.make_model(made, opset_imports=opsets, ir_version=9).SerializeToString())


def outside(location: str, name: str = "w") -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "4")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def sized(*dims: int) -> TensorProto:
    return TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, raw_data=bytes(4))


ADD = helper.make_node("Add", ["a", "w"], ["answer"])
SUM = [helper.make_node("ReduceSum", ["w"], ["s"]), helper.make_node("Add", ["a", "s"], ["answer"])]
SHAPE = numpy_helper.from_array(np.array([_BIG]), "n")
GRAPHS: dict[str, Callable[[Path], bytes]] = {
    "data in a file beside it": lambda _: graph([ADD], outside("secret")),
    "data in a file by its path": lambda folder: graph([ADD], outside(str(folder / "secret"))),
    "data in a file above": lambda folder: graph([ADD], outside(f"../{folder.name}/secret")),
    "data in a device": lambda _: graph([ADD], outside("/dev/zero")),
    "data of a constant in a file": lambda _: graph(
        [helper.make_node("Constant", [], ["w"], value=outside("secret")), ADD]
    ),
    "an operator of its own": lambda _: graph([helper.make_node("Run", ["a"], ["answer"], domain="x")], domains=("x",)),
    "an operator in Python": lambda _: graph(
        [helper.make_node("PyOp", ["a"], ["answer"], domain="ai.onnx.contrib")], domains=("ai.onnx.contrib",)
    ),
    "a tensor of 4 TB": lambda _: graph([ADD], sized(_BIG)),
    "a tensor of more than there are numbers": lambda _: graph([ADD], sized(_BIG, _BIG, _BIG)),
    "a tensor of less than nothing": lambda _: graph([ADD], sized(-4)),
    "a tensor of 4 TB that is made": lambda _: graph([helper.make_node("ConstantOfShape", ["n"], ["w"]), *SUM], SHAPE),
}


@pytest.mark.parametrize("what", GRAPHS)
def test_a_graph_that_reaches_out_or_asks_for_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    (tmp_path / "secret").write_bytes(np.ones(1, dtype=np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    refuse(make_plan("onnx"), GRAPHS[what](tmp_path))


# ---- packages --------------------------------------------------------------------------------------------------------


def hostile_packages(folder: Path, trap: Trap) -> dict[str, Path]:
    """Whole packages, each with the plan of an engine."""
    contents = {f"{name} as {engine}": (engine, make(trap)) for name, make in PICKLES.items() for engine in ENGINES}
    contents |= {f"{name} as graph": ("onnx", make(folder)) for name, make in GRAPHS.items()}
    contents |= {f"{name} as skops": ("skops", content) for name, content in as_members_of_skops(trap).items()}
    found = {}
    for number, (name, (engine, content)) in enumerate(contents.items()):
        found[name] = folder / str(number)
        found[name].mkdir()
        (found[name] / ENGINES[engine].model_file).write_bytes(content)
        (found[name] / PLAN_FILE).write_bytes(write_plan(make_plan(engine)))
    return found


def test_where_the_project_signs_all_are_refused_before_they_are_parsed(tmp_path: Path) -> None:
    """Also with a fingerprint that was made for them."""
    home = tmp_path / ".mlops"
    create_key(home, None, "p256", before_first=lambda _: None)
    (tmp_path / "packages").mkdir()
    packages = hostile_packages(tmp_path / "packages", Trap(tmp_path / "trace"))
    tracemalloc.start()
    for package in packages.values():
        with pytest.raises(EnvironmentFault) as caught:
            open_package(package, fingerprint=package_fingerprint(package), home=home)
        assert caught.value.code == "unsigned_package"
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()
    assert len(packages) > 90
    assert not (tmp_path / "trace").exists()


REPLACEMENTS: dict[str, Callable[[Path, Trap], object]] = {
    "a pickle beside the model": lambda package, trap: (package / "model.pkl").write_bytes(pickle.dumps(trap)),
    "code that Python would import": lambda package, trap: (package / "sitecustomize.py").write_bytes(
        PICKLES["Python"](trap)
    ),
    "a module of the project": lambda package, trap: (
        (package / "code").mkdir() or (package / "code" / "pipeline.py").write_bytes(PICKLES["Python"](trap))
    ),
    "a link to a file outside": lambda package, _: (package / "notes").symlink_to("/etc/passwd"),
    "a link to a folder outside": lambda package, _: (package / "code").symlink_to("/etc"),
    "another engine": lambda package, _: (package / PLAN_FILE).write_bytes(write_plan(make_plan("skops"))),
    "a path as the engine": lambda package, _: (package / PLAN_FILE).write_bytes(b'{"engine": "../../evil"}'),
}


@pytest.mark.parametrize("what", REPLACEMENTS)
def test_what_was_done_to_a_signed_package_is_refused(tmp_path: Path, tiny: Any, what: str) -> None:
    home, package = tmp_path / ".mlops", tmp_path / "package"
    shutil.copytree(tiny.package, package)
    create_key(home, None, "p256", before_first=lambda key: sign_package(package, key, home=home))
    assert open_package(package, home=home).plan == tiny.plan
    REPLACEMENTS[what](package, Trap(tmp_path / "trace"))
    path = list(sys.path)
    with pytest.raises(EnvironmentFault):
        open_package(package, home=home)
    assert not (tmp_path / "trace").exists()
    assert sys.path == path


# ---- LightGBM's text -------------------------------------------------------------------------------------------------

TEXTS = {
    "a tree that leads back to its root": ("left_child=", "left_child=0 "),
    "a split by an input that is not there": ("split_feature=", "split_feature=99999999 "),
    "a leaf that is not there": ("right_child=", "right_child=-500 "),
    "more leaves than there are": ("num_leaves=", "num_leaves=2147483647\n#"),
    "fewer leaves than none": ("num_leaves=", "num_leaves=-7\n#"),
    "two billion inputs": ("max_feature_idx=", "max_feature_idx=2147483646\n#"),
    "a billion classes": ("num_class=", "num_class=1000000000\n#"),
    "sizes beyond the end": ("tree_sizes=", "tree_sizes=9"),
    "an end before the end": ("\nTree=0", "\n\0Tree=0"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_text_that_would_lead_lightgbm_out_of_its_memory_is_refused(tiny: Any, what: str) -> None:
    text = (tiny.package / "model.txt").read_text()
    old, new = TEXTS[what]
    assert old in text
    refuse(replace(tiny.plan, engine="lightgbm"), text.replace(old, new, 1).encode())


def make_plan(engine: str) -> Plan:
    return Plan(
        engine=engine, task="regression", request={"a": "float"}, time="at", tables={}, features={"inputs": ["a"]},
        categories={},
    )  # fmt: skip


def refuse(plan: Plan, content: bytes) -> None:
    """The engine refuses the content, with an error for people."""
    file = ModelFile(Path(ENGINES[plan.engine].model_file), content)
    with pytest.raises(MlopsError) as caught:
        open_model(file, plan, trust=lambda: TRUST).score_rows([[0.0] * len(plan.features["inputs"])])
    assert caught.value.hint
