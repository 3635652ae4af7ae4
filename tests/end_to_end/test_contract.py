"""The contract at every door: rows that break it are set aside, told, and brought in after the mend."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from running import mlops, serving
from synthetic import World, day_begin, write_project

from mlops_lab.clock import EPOCH
from mlops_lab.errors import InvalidInput
from mlops_lab.intake.deliver import replay_quarantine
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.quarantine import describe_quarantine, waiting
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project

LOAD = 'load = "float?"'
BOUND = 'load = { type = "float?", min = 0, max = 100 }'


@pytest.fixture
def raw(tmp_path: Path, world: World) -> Path:
    write_project(tmp_path / "parcels", world)
    return tmp_path / "parcels"


def configure(root: Path, *replacements: tuple[str, str]) -> Project:
    text = (root / "mlops.toml").read_text()
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    (root / "mlops.toml").write_text(text)
    return load_project(root)


def spoil(root: Path, rows: int, **columns: pl.Expr) -> None:
    file = root / "data/parcels.parquet"
    frame = pl.read_parquet(file).with_row_index("row")
    changed = [pl.when(pl.col("row") < rows).then(to).otherwise(name).alias(name) for name, to in columns.items()]
    frame.with_columns(changed).drop("row").write_parquet(file)


def test_a_few_bad_rows_of_a_file_are_set_aside(raw: Path) -> None:
    project, lake = load_project(raw), Lake(load_project(raw).lake_path)
    before = pl.read_parquet(raw / "data/parcels.parquet").height
    spoil(raw, 2, depot=pl.lit(None, pl.String), distance=pl.lit(float("nan")))
    for _ in range(2):  # and once only, however often the file is read
        load_sources(project, lake, now=EPOCH, received_at=EPOCH)
        assert lake.read("parcels").height == before - 2
        assert waiting(lake).select("table", "rule", "column").rows() == [("parcels", "null", "depot")] * 2
    (breach,) = describe_quarantine(lake)
    assert (breach.rows, breach.text) == (2, "never null")
    assert breach.examples[0]["depot"] is None
    assert breach.examples[0]["parcel_id"]


def test_a_file_full_of_them_is_not_loaded(raw: Path) -> None:
    project, lake = load_project(raw), Lake(load_project(raw).lake_path)
    spoil(raw, 200, depot=pl.lit(None, pl.String))
    with pytest.raises(InvalidInput) as caught:
        load_sources(project, lake, now=EPOCH, received_at=EPOCH)
    assert caught.value.code == "contract_breach"
    assert '200 rows break the rule "never null"' in caught.value.what
    assert caught.value.what.count("parcel_id=") == 5
    assert lake.tables() == []


def test_rows_wait_in_quarantine_until_the_contract_is_mended(project: Project) -> None:
    narrow = configure(project.root, (LOAD, BOUND))
    moment = day_begin(24.5).isoformat()
    rows = [{"depot": depot, "seen_at": moment, "load": load} for depot, load in (("y", 50.0), ("z", 400.0))]
    with serving(narrow) as server:
        talk = server.talk()
        told = talk.add("traffic", rows)
        assert (told["accepted"], told["quarantined"]) == (1, 1)
        assert "at most 100" in told["problems"][0]["what"]
        assert told["problems"][0]["where"] == "$.rows[1].load of table traffic"
        server.kill()
    lake = Lake(project.lake_path)
    ingest_journal(narrow, lake)
    assert lake.read("traffic").filter(pl.col("depot").is_in(["y", "z"]))["depot"].to_list() == ["y"]
    assert mlops("quarantine", project=project.root).data["waiting"][0]["rows"] == 1
    assert replay_quarantine(narrow, by="anna") == {}, "it still breaks the contract"
    configure(project.root, (BOUND, 'load = { type = "float?", min = 0, max = 1000 }'))
    assert mlops("quarantine", "--replay", project=project.root).data == {"released": {"traffic": 1}, "waiting": []}
    assert mlops("quarantine", "--replay", project=project.root).data == {"released": {}, "waiting": []}
    mlops("status", project=project.root)
    there = Lake(project.lake_path).read("traffic").filter(depot="z")
    assert there.select("load").rows() == [(400.0,)]


@pytest.mark.parametrize(
    ("field", "declared", "request_field", "value"),
    [
        ('distance = "float"', 'distance = { type = "float", min = 0 }', "distance", -1.0),
        ('items = "integer"', 'items = { type = "integer", max = 5 }', "items", 6),
        ('depot = "string"', 'depot = { type = "string", categories = ["a", "b"] }', "depot", "c"),
    ],
)
def test_a_request_out_of_contract_is_refused(
    project: Project, field: str, declared: str, request_field: str, value: object
) -> None:
    request = {"depot": "a", "customer": None, "items": 2, "distance": 3.0, "weight": None, "express": False}
    with serving(configure(project.root, (field, declared))) as server:
        talk = server.talk()
        good = {**request, "asked_at": day_begin(24).isoformat()}
        talk.predict(good)
        status, answer = talk.post("/v1/predict", {**good, request_field: value})
        assert status == 400
        assert answer["error"]["where"] == f"$.{request_field}"
        assert talk.status["pending"] == 1


@pytest.mark.slow
def test_infer_check_and_diff(raw: Path) -> None:
    found = mlops("contract", "infer", "parcels", project=raw).data["parcels"]
    depot = next(field for field in found if field["name"] == "depot")
    assert depot["categories"] == ["a", "b", "c", "d"]
    assert mlops("contract", "check", project=raw).data["breaches"] == []
    assert mlops("contract", "diff", "traffic", project=raw).data == {"traffic": []}
    configure(
        raw,
        (LOAD, 'load = { type = "float?", max = 0.5 }'),
        ("[tables.traffic]\n", '[tables.traffic]\nfresh_within = "1h"\nmax_rows_per_day = 10\n'),
    )
    broken = mlops("contract", "check", "traffic", "--at", "2024-05-01T00:00:00Z", project=raw, code=1)
    rules = {breach["rule"] for breach in broken.data["breaches"]}
    assert rules == {"max", "max_rows_per_day", "fresh_within"}
    assert any("above max = 0.5" in said for said in mlops("contract", "diff", "traffic", project=raw).data["traffic"])
    assert mlops("contract", "check", "trafic", project=raw, code=2).error["code"] == "unknown_table"


def test_rows_in_the_lake_that_break_a_new_contract_are_not_trained_on(project: Project) -> None:
    """Not before the data is corrected: rows that are not in it any more, and break the contract, are gone then."""
    ignored = ("[tables.traffic]\n", '[tables.traffic]\non_change = "ignore"\n')
    configure(project.root, (LOAD, 'load = { type = "float?", max = 0.5 }'), ignored)
    file = project.root / "data/traffic.csv"
    frame = pl.read_csv(file)
    frame.filter(pl.col("load").is_null() | (pl.col("load") <= 0.5)).write_csv(file)
    error = mlops("run", project=project.root, code=2).error
    assert error["code"] == "contract_breach"
    assert "traffic" in error["where"]
    configure(project.root, ('on_change = "ignore"', 'on_change = "refuse"'))
    assert mlops("run", project=project.root, code=1).error["code"] == "data_changed"
    corrected = mlops("run", "--accept-changes", project=project.root, code=None).data
    assert corrected["what"] in ("refuse", "shadow"), corrected


@pytest.mark.parametrize(
    ("declared", "what"),
    [
        ('load = { type = "float?", min = 2, max = 1 }', "not a valid range"),
        ('load = { type = "string", min = 2 }', "neither min nor max"),
        ('load = { type = "float", categories = ["a"] }', "categories"),
        ('load = { type = "string", categories = [] }', "categories"),
        ('load = { type = "flot" }', "unknown type"),
        ('load = { type = "float", most = 1 }', "most"),
    ],
)
def test_a_contract_that_cannot_be_kept_is_named(raw: Path, declared: str, what: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        configure(raw, (LOAD, declared))
    assert what in caught.value.what
    assert "tables.traffic.fields" in str(caught.value.where)


def test_a_server_that_set_a_row_aside_can_be_started_again(project: Project) -> None:
    """From the same state: the journal holds the row that was set aside."""
    narrow = configure(project.root, (LOAD, BOUND))
    moment = day_begin(24.5).isoformat()
    with serving(narrow) as server:
        told = server.talk().add("traffic", [{"depot": "z", "seen_at": moment, "load": 400.0}])
        assert told["quarantined"] == 1
    with serving(narrow) as server:
        told = server.talk().add("traffic", [{"depot": "z", "seen_at": moment, "load": 4.0}])
        assert told == {"accepted": 1, "duplicate": 0}


def test_moments_of_a_monotone_table_never_go_back_from_one_delivery_to_the_next(project: Project) -> None:
    ordered = configure(project.root, ("[tables.traffic]\n", "[tables.traffic]\nmonotone = true\n"))
    first, second = ({"depot": "y", "seen_at": day_begin(day).isoformat(), "load": 1.0} for day in (24.5, 24.25))
    for again in range(2):  # also after a restart
        with serving(ordered) as server:
            talk = server.talk()
            assert talk.add("traffic", [first]) == {"accepted": 1 - again, "duplicate": again}
            told = talk.add("traffic", [{**second, "load": 2.0 + again}])
            assert told["quarantined"] == 1
            assert "never earlier" in told["problems"][0]["what"]


def test_what_is_no_number_waits_as_it_came(raw: Path) -> None:
    """In a CSV one word makes a column text; the other rows are taken in all the same."""
    path = raw / "data/traffic.csv"
    frame = pl.read_csv(path)
    load = pl.col("load").cast(pl.String)
    row = pl.int_range(pl.len())
    odd = pl.when(row == 3).then(pl.lit("cold")).when(row == 5).then(pl.lit("inf")).otherwise(load)
    frame.with_columns(odd.alias("load")).write_csv(path)
    project, lake = load_project(raw), Lake(load_project(raw).lake_path)
    load_sources(project, lake, now=EPOCH, received_at=EPOCH)
    waiting = mlops("quarantine", project=raw).data["waiting"]
    assert sum(row["rows"] for row in waiting) == 2
    assert lake.read("traffic").height == frame.height - 2
    assert mlops("quarantine", "--replay", project=raw).data["released"] == {}, "nothing was mended"
