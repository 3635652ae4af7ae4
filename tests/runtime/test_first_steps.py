"""A first request: what is printed can be pasted, and says what it should."""

import json
import shlex
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.project import load_project
from mlops_lab.runtime.first_steps import MAX_PASTED, curl, file_header, first_steps, make_example, write_json

NASTY = 'it\'s "quoted" $HOME `id` \\n \n\t\x00\x1b[31m é ü 東京 🚀 \u202e \u2028 !! %s'


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_survives_the_shell(text):
    written = write_json({"name": text})
    assert written.isprintable()
    assert shlex.split(f"'{written}'") == [written]
    assert json.loads(written) == {"name": text}


def test_a_shell_hands_on_what_was_meant():
    command = curl("http://here", {"name": NASTY}, file=Path("body"), token="a folder/it's a token")
    done = subprocess.run(["sh", "-c", f'curl() {{ printf %s "$5"; }}; {command}'], capture_output=True, text=True)
    assert json.loads(done.stdout) == {"name": NASTY}


def test_a_long_request_is_sent_from_a_file(tmp_path):
    file = tmp_path / "it's a body.json"
    command = curl("http://here", {"text": "x" * MAX_PASTED}, file=file)
    assert shlex.split(command) == ["curl", "http://here", "-d", f"@{file}"]
    assert json.loads(file.read_text()) == {"text": "x" * MAX_PASTED}


def test_the_newest_row_is_asked_about_anew(tiny):
    newest = tiny.lake.read("orders").sort("asked_at").row(-1, named=True)
    example = make_example(tiny.project, tiny.lake, now=tiny.now)
    assert example.request.pop("id") == example.outcome.pop("id")
    assert example.request.pop("asked_at") == "2013-03-21T05:00:00Z"
    known_at = tiny.now + (newest["known_at"] - newest["asked_at"])
    assert example.outcome.pop("known_at") == f"{known_at:%Y-%m-%dT%H:%M:%SZ}"
    asked = {name: newest[name] for name in ("customer", "shop", "amount", "express")}
    assert example.request == {name: value for name, value in asked.items() if value is not None}
    assert example.outcome == {name: newest[name] for name in ("late", "minutes") if newest[name] is not None}


def test_on_the_machines_clock_an_outcome_is_known_when_it_comes(tiny, tmp_path, write_project):
    project = write_project(tmp_path, ('clock = "data"', 'clock = "wall"'))
    example = make_example(project, tiny.lake, now=tiny.now + timedelta(seconds=0.5))
    assert example.request["asked_at"] == "2013-03-21T05:00:00Z"
    assert "known_at" not in example.outcome
    assert file_header(project) == "id,late,minutes"
    assert file_header(tiny.project) == "id,known_at,late,minutes"


def test_rows_from_before_the_contract_are_passed_over(tiny, tmp_path, write_project):
    strict = write_project(tmp_path, ('shop = "string"', 'shop = { type = "string", categories = ["b"] }'))
    assert make_example(strict, tiny.lake, now=tiny.now).request["shop"] == "b"
    none = write_project(tmp_path, ('shop = "string"', 'shop = { type = "string", categories = ["nowhere"] }'))
    steps = first_steps(none, tiny.lake, now=tiny.now, url="http://here", folder=tmp_path)
    assert (steps.predict, steps.outcome) == (None, None)


@pytest.mark.parametrize("inside", [True, False])
def test_paths_are_those_of_the_folder_one_stands_in(tiny, tmp_path, inside):
    folder = tiny.project.root if inside else tmp_path
    steps = first_steps(load_project(tiny.project.root), tiny.lake, now=tiny.now, url="http://here", folder=folder)
    token = ".mlops/token" if inside else f"'{tiny.project.token_path}'"
    assert f'"Authorization: Bearer $(cat {token})"' in steps.outcome
    assert steps.file == "mlops outcomes labels.csv" + ("" if inside else f" --project '{tiny.project.root}'")
