"""Projects are found and loaded; whatever is wrong with `mlops.toml`, the error names the line and the key."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.contracts.fields import parse_fields
from mlops_lab.errors import InvalidInput, MlopsError, NotFound
from mlops_lab.project import CONFIG_NAME, find_project, load_project
from mlops_lab.training.pipeline import load_pipeline

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"
TEXT = (FLIGHTS / CONFIG_NAME).read_text(encoding="utf-8")


def line_of(text: str) -> int:
    """The line of the flights project that contains a text."""
    return TEXT[: TEXT.index(text)].count("\n") + 1


def load(folder: Path, text: str):
    (folder / CONFIG_NAME).write_text(text, encoding="utf-8")
    return load_project(folder)


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) >= 1, old
    return TEXT.replace(old, new, 1)


def test_the_example_loads_and_is_short():
    project = load_project(FLIGHTS)
    assert (project.name, project.timezone) == ("flights", "America/New_York")
    assert load_pipeline(project).features.inputs
    lines = [len((FLIGHTS / name).read_text().splitlines()) for name in (CONFIG_NAME, "pipeline.py")]
    assert sum(lines) < 135


def test_every_type_of_the_example_is_known():
    source = load_project(FLIGHTS).settings.source
    assert parse_fields(source.request, where="source.request")
    assert parse_fields(source.outcome, where="source.outcome")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "flights"', "name = flights"),
        ('name = "flights"', "name flights"),
        ("[gates]", "[gates"),
        ('dest = "string"', 'dest = "string'),
        ('carrier = "string"', 'carrier = "string"\ncarrier = "string"'),
        ("[serving]", "[gates]"),
        ('key = ["origin"]', 'key = ["origin"'),
    ],
)
def test_invalid_toml_is_named_with_its_line(tmp_path, old, new):
    with pytest.raises(InvalidInput, match="not valid TOML") as caught:
        load(tmp_path, changed(old, new))
    named = int(re.search(r"line (\d+)", str(caught.value)).group(1))
    assert 0 <= named - line_of(old) <= 2
    assert CONFIG_NAME in caught.value.where
    assert caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        # a wrong type
        ('name = "flights"', "name = 5", "project.name"),
        ('name = "flights"', 'name = "../flights"', "project.name"),
        ('clock = "data" ', 'clock = "dta" ', "project.clock"),
        ('table = "flights"', 'table = ["flights"]', "source.table"),
        ('known_at = "known_at"', "known_at = 2013-03-01", "source.known_at"),
        ('carrier = "string"', "carrier = 5", "source.request.carrier"),
        ('late = "boolean"', "late = true", "source.outcome.late"),
        ('key = ["tailnum"]', 'key = "tailnum"', "tables.planes.key"),
        ('key = ["tailnum"]', 'key = ["tailnum", 5]', "tables.planes.key"),
        ('seats = "integer?"', "seats = 1", "tables.planes.fields.seats"),
        ('humidity = "float?"', 'humidity = ["float?"]', "tables.weather.fields.humidity"),
        ('slices = ["origin", "carrier"]', 'slices = "origin"', "gates.slices"),
        ('slices = ["origin", "carrier"]', 'slices = ["origin", 5]', "gates.slices"),
        ('durability = "async"', 'durability = "maybe"', "serving.durability"),
        ('durability = "async"', "port = 70000", "serving.port"),
        ('durability = "async"', 'port = "8321"', "serving.port"),
        ('durability = "async"', "port = 0", "serving.port"),
        # an unknown key
        ('name = "flights"', 'name = "flights"\nnmae = "x"', "project.nmae"),
        ("[gates]", "[gate]", "gate"),
        ("[tables.planes] ", '[tables.planes]\nknown = "x"\n#', "tables.planes.known"),
        # a reference to something that does not exist
        ('timezone = "America/New_York"', 'timezone = "New York"', "project.timezone"),
        ('timezone = "America/New_York"', 'timezone = "America"', "project.timezone"),
        ('timezone = "America/New_York"', 'timezone = ""', "project.timezone"),
        ('timezone = "America/New_York"', 'timezone = "../../etc/passwd"', "project.timezone"),
        ('time = "scheduled_at"', 'time = "departed_at"', "source.time"),
        ('label = "late"', 'label = "delayed"', "source.label"),
        ('key = "tailnum"', 'key = "tail"', "source.key"),
        ('key = ["tailnum"]', 'key = ["tail"]', "tables.planes.key"),
        ('origin = "string"\nknown_at', 'origin = "float"\nknown_at', "tables.weather.key"),
        ('slices = ["origin", "carrier"]', 'slices = ["origin", "airline"]', "gates.slices"),
        # a field of both request and outcome, or with the name of a column of the loop
        ('dest = "string"', 'arrival_delay = "float"', "source.request.arrival_delay"),
        ('dest = "string"', 'flight_id = "string"', "source.request.flight_id"),
        ('dest = "string"', 'output = "float"', "source.request.output"),
        ('dest = "string"', 'version = "integer"', "source.request.version"),
        ('arrival_delay = "float?"', 'verdict = "string"', "source.outcome.verdict"),
    ],
)
def test_an_error_names_line_and_key(tmp_path, old, new, key):
    text = changed(old, new)
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, text)
    error = caught.value
    assert error.code == "bad_config"
    line, named_key = re.fullmatch(r"mlops\.toml, line (\d+), key (.+)", error.where).groups()
    assert named_key == key
    section, _, name = key.rpartition(".")
    named = text.splitlines()[int(line) - 1]
    assert named.startswith((f"{name} =", f"[{key}]")), named
    before = "\n".join(text.splitlines()[: int(line) - 1])
    assert before.rpartition("\n[")[2].startswith(f"{section}]") or named.startswith("[")
    assert error.hint


def test_a_table_declared_twice_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="declared twice") as caught:
        load(tmp_path, TEXT.replace("tables.planes", "tables.flights"))
    assert caught.value.where == f"mlops.toml, line {line_of('[tables.planes]')}, key tables.flights"


@pytest.mark.parametrize(
    ("gone", "key"),
    [
        ("[project]", "project"),
        ("[source] ", "source"),
        ('name = "flights"', "project.name"),
        ('label = "late"', "source.label"),
        ('data = "data/weather.parquet"', "tables.weather.data"),
    ],
)
def test_a_missing_key_is_named(tmp_path, gone, key):
    text = TEXT
    if gone.startswith("["):
        section = gone.strip("[] ")
        text = re.sub(rf"(?ms)^\[{section}\].*?(?=^\[(?!{section}\.)|\Z)", "", text)
    else:
        text = changed(gone, "")
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, text)
    assert caught.value.where.endswith(f"key {key}")
    assert "missing" in caught.value.what
    assert "None" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "x = 1\n"])
def test_an_empty_file_is_an_error_with_a_hint(tmp_path, text):
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, text)
    assert caught.value.hint


def test_a_file_of_another_encoding_is_named_with_its_line(tmp_path):
    (tmp_path / CONFIG_NAME).write_bytes(TEXT.encode().replace(b'clock = "data"', 'clock = "däta"'.encode("latin-1")))
    with pytest.raises(InvalidInput, match="UTF-8") as caught:
        load_project(tmp_path)
    assert caught.value.where == f"mlops.toml, line {line_of('clock = ')}"


def test_a_section_on_one_line_is_read_and_checked(tmp_path):
    fields = re.search(r"(?ms)^\[tables\.planes\.fields\]\n(.*?)\n\n", TEXT)
    inline = ", ".join(fields.group(1).splitlines())
    text = TEXT.replace(fields.group(0), "").replace('key = ["tailnum"]', f'key = ["tailnum"]\nfields = {{{inline}}}')
    assert load(tmp_path, text).settings.tables["planes"].fields["seats"] == "integer?"
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, text.replace('seats = "integer?"', "seats = 1"))
    assert "tables.planes.fields.seats" in caught.value.where
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, 'project = {name = "x", timezone = "Nowhere/Town"}\n' + text[text.index("[source]") :])
    assert "None" not in caught.value.where


lines = st.lists(st.integers(0, TEXT.count("\n")), max_size=4)


@given(lines, st.integers(0, len(TEXT)), st.text(alphabet='[]{}="#.,\n\t x5é', max_size=3))
def test_a_damaged_file_loads_or_gives_one_clear_error(tmp_path_factory, removed, index, inserted):
    """Lines are lost and characters inserted: the file loads, or one error says where it is wrong."""
    kept = "".join(line for number, line in enumerate(TEXT.splitlines(keepends=True)) if number not in removed)
    folder = tmp_path_factory.mktemp("project")
    try:
        load(folder, kept[:index] + inserted + kept[index:])
    except MlopsError as error:
        assert CONFIG_NAME in error.where
        assert error.hint
        assert "None" not in error.where


def test_a_project_is_found_from_a_folder_within(tmp_path):
    load(tmp_path, TEXT)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_project(inner).root == find_project(tmp_path).root == tmp_path.resolve()


def test_without_a_project_the_hint_says_how_to_create_one(tmp_path):
    with pytest.raises(NotFound) as caught:
        find_project(tmp_path)
    assert "mlops demo" in caught.value.hint
    with pytest.raises(NotFound):
        load_project(tmp_path)
    (tmp_path / CONFIG_NAME).mkdir()
    with pytest.raises(NotFound):
        load_project(tmp_path)


def test_all_state_is_within_the_project(tmp_path):
    project = load(tmp_path, TEXT)
    paths = [project.lake_path, project.journal_path, project.mlflow_path, project.deployment_path]
    paths += [project.state_path, project.token_path]
    assert all(path.is_relative_to(tmp_path.resolve() / ".mlops") for path in paths)
    assert len(set(paths)) == len(paths)
