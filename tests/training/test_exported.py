"""A model that was trained elsewhere: an ONNX file, and never a file that runs code when it is loaded."""

import pickle
import zipfile

import pytest

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.training.exported import PICKLE_SUFFIXES, is_pickle, open_exported


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "net.pt", "model.onnx", "model"])
def test_a_pickle_is_refused_by_its_name_or_by_what_is_in_it(tmp_path, name):
    path = tmp_path / name
    content = pickle.dumps({"weights": [1.0]})
    if name.endswith(".pt"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("net/data.pkl", content)
    else:
        path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        open_exported(path, ["price"])
    assert caught.value.code == "pickle_refused"
    assert "ONNX" in caught.value.hint


@pytest.mark.parametrize("suffix", sorted(PICKLE_SUFFIXES))
def test_a_file_is_refused_by_its_suffix_alone(tmp_path, suffix):
    with pytest.raises(InvalidInput) as caught:
        open_exported(tmp_path / f"model{suffix.upper()}", ["price"])
    assert caught.value.code == "pickle_refused"


@pytest.mark.parametrize("name", ["model.h5", "missing.onnx", "folder.onnx"])
def test_what_is_not_an_onnx_file_is_refused_with_a_hint(tmp_path, name):
    (tmp_path / "model.h5").write_bytes(b"HDF")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(InvalidInput) as caught:
        open_exported(tmp_path / name, ["price"])
    assert caught.value.code == "no_onnx"
    assert "torch.onnx.export" in caught.value.hint


def test_an_onnx_file_that_is_damaged_is_an_error_of_the_file(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(EnvironmentFault) as caught:
        open_exported(tmp_path / "model.onnx", ["price"])
    assert caught.value.code == "engine_failed"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_of_every_protocol_is_known_by_its_content(tmp_path, protocol):
    (tmp_path / "model").write_bytes(pickle.dumps([1], protocol=protocol))
    assert is_pickle(tmp_path / "model")


def test_other_files_are_no_pickles(tmp_path):
    (tmp_path / "text").write_text("tree")
    (tmp_path / "empty").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        archive.writestr("model.json", "{}")
    for name in ("text", "empty", "archive", "missing"):
        assert not is_pickle(tmp_path / name)
