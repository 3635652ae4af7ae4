"""The routing table: read as it was written, replaced as a whole or not at all."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import write_atomically
from mlops_lab.serving.answering.routing_table import (
    Arm,
    LiveVersion,
    RoutingTable,
    read_routing_table,
    write_routing_table,
)

lives = st.builds(LiveVersion, st.integers(1, 99), st.text(max_size=9), st.text("0123456789abcdef", max_size=9))
routing_tables = st.builds(
    RoutingTable,
    generation=st.integers(0, 2**40),
    champion=lives,
    challenger=st.none() | lives,
    canary_share=st.floats(0, 1),
    state=st.text(max_size=9),
    arms=st.lists(st.builds(Arm, lives, st.floats(0, 1)), max_size=2).map(tuple),
    previous=st.none() | lives,
    state_positions=st.lists(st.integers(0, 2**60), max_size=3).map(tuple),
)
SIMPLE = RoutingTable(generation=1, champion=LiveVersion(1, "package", "00"), state="state", state_positions=(0,))


@given(routing_tables, routing_tables)
def test_the_table_reads_back_as_it_was_written(tmp_path_factory, first, second):
    path = tmp_path_factory.mktemp("routing") / "deployment.json"
    for table in (first, second):
        write_routing_table(path, table)
        assert read_routing_table(path) == table
    assert [file.name for file in path.parent.iterdir()] == ["deployment.json"]


def test_no_table_yet_says_what_to_run(tmp_path):
    with pytest.raises(EnvironmentFault) as caught:
        read_routing_table(tmp_path / "deployment.json")
    assert caught.value.code == "nothing_live"
    assert "mlops run" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"generation": 1}', '{"generation": "x", "champion": null}', "\ud7ff", "\0"]
)
def test_a_damaged_table_says_what_to_run(tmp_path, text):
    path = tmp_path / "deployment.json"
    path.write_text(text)
    with pytest.raises(EnvironmentFault) as caught:
        read_routing_table(path)
    assert caught.value.code == "bad_deployment"
    assert "mlops tick" in caught.value.hint


def test_a_folder_in_its_place_is_an_error(tmp_path):
    with pytest.raises(EnvironmentFault) as caught:
        read_routing_table(tmp_path)
    assert caught.value.code == "bad_deployment"


def test_a_part_of_a_table_is_an_error(tmp_path):
    path = tmp_path / "deployment.json"
    write_routing_table(path, SIMPLE)
    whole = path.read_bytes()
    for length in range(len(whole.rstrip())):
        path.write_bytes(whole[:length])
        with pytest.raises(EnvironmentFault):
            read_routing_table(path)


def test_a_write_that_fails_leaves_the_old_table(tmp_path):
    path = tmp_path / "deployment.json"
    write_routing_table(path, SIMPLE)
    code = (
        "import resource, sys; from pathlib import Path; "
        "from mlops_lab.files import write_atomically; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)); write_atomically(Path(sys.argv[1]), b'x' * 100)"
    )
    process = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert "OSError" in process.stderr
    assert read_routing_table(path) == SIMPLE
    assert os.listdir(tmp_path) == ["deployment.json"]


READ_ON = """
import sys
from pathlib import Path
path, seen = Path(sys.argv[1]), set()
print("ready", flush=True)
while "stop" not in seen:
    seen.add(path.read_bytes().decode()[:4])
    assert len(path.read_bytes()) in (50_000, 4), len(path.read_bytes())
"""


def test_a_reader_sees_the_old_or_the_new_content(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"aaaa" * 12_500)
    with subprocess.Popen(
        [sys.executable, "-c", READ_ON, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as reader:
        reader.stdout.readline()
        for number in range(200):
            write_atomically(path, (b"bbbb" if number % 2 else b"cccc") * 12_500)
        write_atomically(path, b"stop")
        assert reader.wait(timeout=30) == 0, reader.stderr.read()
