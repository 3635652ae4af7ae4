"""From tables of all kinds to projects: what `mlops init` writes loads, keeps its own contract, and passes its test."""

from __future__ import annotations

import gzip
import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa
from postgres_server import PASSWORD, postgres_uri
from running import MLOPS, mlops, run_words
from sklearn.datasets import load_iris

from mlops_lab.clock import now
from mlops_lab.contracts.fields import make_struct
from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.intake.contract import check_table
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.lake.sources import read_data
from mlops_lab.project import Project, load_project
from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.analysis import TableAnalysis
from mlops_lab.starter.options import InitOptions
from mlops_lab.starter.requirement import PackageRequirement
from mlops_lab.starter.write import locate_data, make_project, write_files
from mlops_lab.tables.fields import request_fields
from mlops_lab.training.pipeline import load_pipeline

ROWS = 300
RELEASED = PackageRequirement("mlops-lab==1.0", "a release")
RANDOM = np.random.default_rng(5)
START = datetime(2024, 1, 1, 8, tzinfo=UTC)
WORDS = ["good", "bad", "red", "box", "late", "cheap", "again", "never", "soon", "über"]


def shop() -> pl.DataFrame:
    random = np.random.default_rng(2)
    price = random.gamma(2, 20, ROWS).round(2)
    city = random.choice(["Köln", "Düsseldorf", "Bonn"], ROWS)
    late = (price / 60 + (city == "Köln") + random.normal(size=ROWS)) > 1.2
    return pl.DataFrame(
        {
            "Order ID": [1000 + n for n in range(ROWS)],
            "price": [None if n % 20 == 0 else value for n, value in enumerate(price)],
            "city": city,
            "express": random.choice(["ja", "nein"], ROWS),
            "items": random.integers(1, 9, ROWS),
            "version": random.integers(1, 3, ROWS),
            "country": ["DE"] * ROWS,
            "late": np.where(late, "yes", "no"),
        }
    )


def csv_of_windows(folder: Path) -> tuple[str, list[str]]:
    frame = shop().with_columns(
        ordered=pl.Series([f"{START + n * timedelta(hours=5):%d.%m.%Y %H:%M}" for n in range(ROWS)])
    )
    (folder / "my shop.csv").write_bytes(frame.write_csv(separator=";").encode("cp1252"))
    return "my shop.csv", ["--target", "late", "--key", "city"]


def parquet_of_integers(folder: Path) -> tuple[str, list[str]]:
    frame = shop().with_columns(late=(pl.col("late") == "yes").cast(pl.Int8)).rename({"Order ID": "id"})
    frame.with_columns(when=pl.Series([START + n * timedelta(days=1) for n in range(ROWS)]).dt.date()).write_parquet(
        folder / "shop.parquet"
    )
    return "shop.parquet", ["--target", "late"]


def sorted_iris(folder: Path) -> tuple[str, list[str]]:
    data = load_iris()
    names = data.target_names[data.target]
    frame = pl.DataFrame(data.data, schema=list(data.feature_names)).with_columns(species=pl.Series(names))
    (folder / "iris.csv.gz").write_bytes(gzip.compress(frame.write_csv().encode()))
    return "iris.csv.gz", ["--target", "species"]


def lines_of_text(folder: Path) -> tuple[str, list[str]]:
    frame = pl.DataFrame(
        {
            "comment": [f"{' '.join(RANDOM.choice(WORDS, 8))}! {n}" for n in range(ROWS)],
            "stars": RANDOM.integers(1, 6, ROWS),
            "minutes": RANDOM.gamma(3, 10, ROWS),
        }
    )
    frame.write_ndjson(folder / "comments.jsonl")
    return "comments.jsonl", ["--target", "minutes"]


def query_of_sqlite(folder: Path) -> tuple[str, list[str]]:
    with closing(sqlite3.connect(folder / "shop.db")) as connection:
        connection.execute("create table orders (id integer, at text, price real, city text, late integer)")
        rows = [
            (n, f"{START + n * timedelta(hours=9):%Y-%m-%d %H:%M:%S}", float(price), str(city), int(late == "yes"))
            for n, (price, city, late) in enumerate(
                shop().with_columns(pl.col("price").fill_null(1)).select("price", "city", "late").rows()
            )
        ]
        connection.executemany("insert into orders values (?, ?, ?, ?, ?)", rows)
        connection.commit()
    return "sqlite:///shop.db", ["--query", "select * from orders where price > 0 order by at", "--target", "late"]


def folder_of_files(folder: Path) -> tuple[str, list[str]]:
    (folder / "parts").mkdir()
    for place, part in enumerate(shop().iter_slices(100)):
        part.write_parquet(folder / f"parts/{place}.parquet")
    return "parts", ["--target", "items", "--task", "regression"]


TABLES: dict[str, tuple[Callable[[Path], tuple[str, list[str]]], dict[str, Any]]] = {
    "a CSV of Windows": (
        csv_of_windows,
        {
            "task": "binary",
            "time": "ordered",
            "id": "Order_ID",
            "skip": ["country"],
            "rename": {"Order ID": "Order_ID", "version": "version_"},
        },
    ),
    "Parquet with integers": (parquet_of_integers, {"task": "binary", "time": "when", "id": "id"}),
    "sorted iris": (sorted_iris, {"task": "multiclass", "order": "shuffled", "classes": 3}),
    "JSON lines with text": (lines_of_text, {"task": "regression", "text": "comment_words"}),
    "a query of SQLite": (query_of_sqlite, {"task": "binary", "time": "at", "id": "id"}),
    "a folder of Parquet": (folder_of_files, {"task": "regression", "id": "Order_ID", "skip": ["country"]}),
}


def make(folder: Path, data: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[Project, TableAnalysis]:
    """What `mlops init` does, without a process of its own."""
    monkeypatch.chdir(folder)
    given = dict(zip(words[::2], words[1::2], strict=True))
    query = given.pop("--query", None)
    frame = read_data(data, query=query)
    found = analyse_table(frame, InitOptions(**{name.removeprefix("--"): value for name, value in given.items()}))
    target = folder / "made"
    make_project(target, write_files("made", found, data=locate_data(data, target), query=query, requirement=RELEASED))
    return load_project(target), found


@pytest.mark.parametrize("name", TABLES)
def test_a_table_becomes_a_project(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table, expected = TABLES[name]
    data, words = table(tmp_path)
    project, found = make(tmp_path, data, words, monkeypatch)
    source = project.settings.source
    assert project.task == expected["task"]
    assert (source.time if not project.timed_by_arrival else None) == expected.get("time")
    assert source.id == expected.get("id", "row_id")
    assert source.skip == expected.get("skip", source.skip)
    assert source.rename.items() >= expected.get("rename", {}).items()
    assert source.order == expected.get("order", "arrival")
    assert len(project.classes) == expected.get("classes", 0)
    monkeypatch.chdir("/")
    check_project_fits_data(project, found, tmp_path)
    pipeline = load_pipeline(project)
    assert expected.get("text") is None or expected["text"] in pipeline.features.inputs
    assert hasattr(pipeline.model(), "fit")


def check_project_fits_data(project: Project, found: TableAnalysis, folder: Path) -> None:
    """The data keep the contract, the features can be computed from them, and a client may send the example."""
    source = project.settings.source
    assert check_table(project, source.table, now=now()) == []
    lake = Lake(folder / "lake")
    load_sources(project, lake, now=now(), received_at=now())
    loaded = lake.read(source.table)
    assert loaded.height == found.rows
    features = load_pipeline(project).features
    inputs = features.select(loaded)
    assert inputs.columns == list(features.inputs)
    assert inputs.height == found.rows
    request = make_struct("Request", request_fields(project), id=str)
    implied = {source.time: now()} if project.timed_by_arrival else {}
    request(**found.example, **implied)


def test_text_is_split_into_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, words = lines_of_text(tmp_path)
    project, _ = make(tmp_path, data, words, monkeypatch)
    features = load_pipeline(project).features
    frame = pl.DataFrame({"comment": ["Über GUT,\n 5°C -- so-so!", None, "?!"], "stars": [1, 2, 3]})
    assert features.select(frame)["comment_words"].to_list() == ["über gut 5 c so so", None, ""]


def test_the_files_are_formatted_and_pass_their_own_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, words = csv_of_windows(tmp_path)
    make(tmp_path, data, words, monkeypatch)
    made = tmp_path / "made"
    assert sorted(str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()) == [
        *(
            ".github/workflows/mlops.yml",
            ".gitignore",
            ".pre-commit-config.yaml",
            "README.md",
            "mlops.toml",
            "pipeline.py",
            "requirements.txt",
            "tests/test_project.py",
        ),
    ]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    options = ["--no-cache", "--line-length", "120", "--isolated"]
    for words in (["format", "--check", *options], ["check", "--select", "E,F,I,UP,B", *options]):
        ran = subprocess.run([sys.executable, "-m", "ruff", *words, str(made)], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout
    text = (made / "mlops.toml").read_text()
    assert 'ordered = { type = "datetime", format = "%d.%m.%Y %H:%M" }' in text
    assert 'data = "../my shop.csv"' in text
    assert "Köln" not in text, "what was seen is no rule for what may come"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(made)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=made, stdin=subprocess.DEVNULL)
    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout


def test_the_command_reports_its_analysis(tmp_path: Path) -> None:
    data, words = csv_of_windows(tmp_path)
    printed = mlops("init", "my-shop", "--data", data, *words, cwd=tmp_path).data
    assert (printed["project"], printed["task"], printed["target"], printed["key"], printed["rows"]) == (
        "my-shop",
        "binary",
        "late",
        "city",
        ROWS,
    )
    assert {one["name"]: one["role"] for one in printed["columns"]} == {
        "Order ID": "id",
        "price": "number",
        "city": "category",
        "express": "category",
        "items": "number",
        "version": "number",
        "country": "left out",
        "late": "target",
        "ordered": "time",
    }
    assert sum(printed["classes"].values()) == ROWS
    ran = run_words(
        ["init", "again", "--data", data, *words, "--yes"], cwd=tmp_path, env={**os.environ, "COLUMNS": "200"}
    )
    assert ran.code == 0
    assert "always the same" in ran.out
    assert "cd again" in ran.out
    assert tomllib.loads((tmp_path / "again/mlops.toml").read_text())["source"]["table"] == "again"


def test_rows_without_a_target_are_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = pl.when(pl.int_range(pl.len()) % 7 > 0).then("late")
    shop().with_columns(late=late).write_csv(tmp_path / "shop.csv")
    project, found = make(tmp_path, "shop.csv", ["--target", "late"], monkeypatch)
    assert project.settings.contract.max_quarantined_share == pytest.approx(0.18)
    lake = Lake(tmp_path / "lake")
    load_sources(project, lake, now=now(), received_at=now())
    assert lake.read("made").height == found.rows - 43
    assert "contract check" not in (tmp_path / "made/.github/workflows/mlops.yml").read_text()


def test_questions_are_asked_where_the_table_leaves_a_choice(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    opened = [START + n * timedelta(hours=3) for n in range(ROWS)]
    grade = random.integers(1, 6, ROWS)
    frame = pl.DataFrame({"opened_at": opened, "started_at": opened, "size": random.random(ROWS), "grade": grade})
    frame.write_parquet(tmp_path / "visits.parquet")
    said = answer(
        [*MLOPS, "init", "visits", "--data", "visits.parquet"],
        {
            "to be predicted": "grade",
            "classes (multiclass)": "regression",
            "time of the request": "nothing",
            "is none": "opened_at",
        },
        cwd=tmp_path,
    )
    assert "visits is written" in said
    source = load_project(tmp_path / "visits").settings.source
    assert (source.label, source.time, source.outcome["grade"]) == ("grade", "opened_at", "integer")


def answer(command: list[str], answers: dict[str, str], *, cwd: Path) -> str:
    """Run a command on a terminal, and type each answer when its question stands there; all that was shown."""
    theirs, ours = os.openpty()
    process = subprocess.Popen(command, stdin=ours, stdout=ours, stderr=ours, cwd=cwd, start_new_session=True)
    os.close(ours)
    shown, left = "", dict(answers)
    try:
        while select.select([theirs], [], [], 60)[0]:
            try:
                shown += os.read(theirs, 4096).decode()
            except OSError:  # the other side is closed
                break
            for question in [one for one in left if one in shown]:
                os.write(theirs, f"{left.pop(question)}\n".encode())
        assert process.wait(timeout=60) == 0, shown
    finally:
        process.kill()
        os.close(theirs)
    assert not left, shown
    return shown


def test_ctrl_c_ends_a_question_at_once(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b,c\n1,2,3\n")
    theirs, ours = os.openpty()
    with subprocess.Popen(
        [*MLOPS, "init", "made", "--data", "rows.csv"], stdin=ours, stdout=ours, stderr=ours, cwd=tmp_path
    ) as process:
        try:
            shown = ""
            while "is to be predicted?" not in shown and select.select([theirs], [], [], 60)[0]:
                shown += os.read(theirs, 4096).decode()
            time.sleep(1)  # it waits now: a signal that comes before the wait ends it in any case
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 1, shown
        finally:
            process.kill()
            os.close(ours)
            os.close(theirs)
    assert not (tmp_path / "made").exists()


# ---- PostgreSQL --------------------------------------------------------------------------------------------------------


def test_a_query_of_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = postgres_uri()
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with sa.create_engine(uri).begin() as connection:
        connection.execute(
            sa.text(
                "create table orders as select n as id, timestamptz '2024-01-01 08:00+01' + n * interval '5 hours' as at, "
                "(n % 37)::numeric(10, 2) as price, case when n % 9 = 0 then null else 'c' || n % 4 end as city, "
                "(n * 7919) % 100 < 30 + (n % 37) as late, gen_random_uuid() as token from generate_series(1, 400) as n"
            )
        )
    words = ["--query", "select * from orders where city is null or city like 'c%' order by at", "--target", "late"]
    project, found = make(tmp_path, uri, words, monkeypatch)
    assert PASSWORD not in (tmp_path / "made/mlops.toml").read_text()
    assert found.first("time") is not None
    check_project_fits_data(project, found, tmp_path)
    for query in ("delete from orders", "with gone as (delete from orders returning 1) select * from gone", "select x"):
        with pytest.raises(InvalidInput) as caught:
            read_data(uri, query=query)
        assert caught.value.code == "bad_query"
    with sa.create_engine(uri).connect() as connection:
        assert connection.execute(sa.text("select count(*) from orders")).scalar() == 400


@pytest.mark.parametrize("password", ["a wrong one", None])
def test_a_wrong_password_of_postgresql(password: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = postgres_uri()
    monkeypatch.setenv("PGPASSWORD", password) if password else monkeypatch.delenv("PGPASSWORD", raising=False)
    with pytest.raises(MlopsError) as caught:
        read_data(uri, query="select 1")
    assert caught.value.code == "database_refuses"
    assert caught.value.exit_code == 3
    assert "PGPASSWORD" in str(caught.value.hint)
    assert "wrong one" not in f"{caught.value}{caught.value.hint}"


# ---- bad input: one table of cases --------------------------------------------------------------------------------------

GOOD = b"a,b,y\n" + b"".join(b"%d,%d,%d\n" % (n * 7 % 31, n * 5 % 13, n * 3 % 2) for n in range(60))
BAD_INPUTS: dict[str, tuple[bytes | None, list[str], str, str]] = {
    "no file": (None, [], "no_file", "my data.csv"),
    "an empty file": (b"", [], "empty_file", "my data.csv"),
    "a header only": (b"a,b,y\n", [], "no_rows", "my data.csv"),
    "a column twice": (GOOD.replace(b"a,b", b"a,a"), [], "duplicate_column", '"a"'),
    "a long row": (GOOD + b"1,2,3,4\n", [], "ragged_rows", "line 62"),
    "damaged UTF-8": (GOOD + "1,café,1\n".encode() + b"1,caf\xe9,1\n", [], "bad_encoding", "line 63"),
    "one class": (GOOD.replace(b",1\n", b",0\n"), [], "bad_choice", "one value"),
    "infinite values": (
        GOOD.replace(b",0\n", b",inf\n"),
        ["--task", "regression"],
        "infinite_values",
        'row 0, column "y"',
    ),
    "a damaged gzip": (gzip.compress(GOOD)[:-9], [], "bad_file", "cut off"),
    "a bomb": (gzip.compress(b"1,2,3\n" * 15_000_000, 9), [], "compression_bomb", "unpack it yourself"),
    "too few rows": (GOOD, [], "too_little_data", "at least 100"),
    "only future rows": (
        b"at,a,y\n" + b"".join(b"%d-01-01,%d,%d\n" % (2200 + n, n * 7 % 31, n * 3 % 2) for n in range(60)),
        [],
        "future_rows",
        "--time none",
    ),
    "a title above the names": (b"Report\n" + GOOD, [], "ragged_rows", "delete what stands above"),
    "skips what is not there": (GOOD, ["--skip", "aa"], "unknown_column", "did you mean a?"),
    "a format of no column": (GOOD, ["--format", "%d/%m/%Y"], "bad_choice", "leave --format out"),
    "an empty name": (GOOD, ["--names", "a,,y"], "bad_names", "name 2 is empty"),
    "no such target": (GOOD, ["--target", "yy"], "unknown_column", "did you mean y"),
    "no target at all": (GOOD, ["--target", ""], "no_target", "--target COLUMN"),
    "no query": (GOOD, ["--data", "sqlite:///my data.csv"], "no_query", "--query"),
    "a password": (
        GOOD,
        ["--data", "postgresql://me:s3cr3t@host/db", "--query", "select 1"],
        "password_in_uri",
        "PGPASSWORD",
    ),
    "a bad name": (GOOD, ["NAME", "my project"], "bad_name", "my-shop"),
    "a folder that is there": (GOOD, ["NAME", "there"], "folder_exists", "not empty"),
    "a folder above that is not": (GOOD, ["NAME", "no/where"], "no_folder", "first"),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_writes_nothing(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    content, words, code, expected = BAD_INPUTS[name]
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "my data.csv").write_bytes(content)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/notes.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    options = {
        "NAME": "made",
        "--data": "my data.csv",
        "--target": "y",
        **dict(zip(words[::2], words[1::2], strict=True)),
    }
    error = refused(options, capsys)
    assert error["code"] == code, error
    assert expected in f"{error['where']} {error['what']} {error['hint']}"
    assert "s3cr3t" not in str(error)
    assert sorted(tmp_path.rglob("*")) == before


def refused(options: dict[str, str], capsys: Any) -> dict[str, str]:
    """The error of the command, called as the command line calls it."""
    import json

    from mlops_lab.cli import main

    name = options.pop("NAME")
    sys.argv = [
        "mlops",
        "init",
        name,
        *(word for pair in options.items() if pair[1] for word in pair),
        "--yes",
        "--json",
    ]
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code in {2, 3}
    out = capsys.readouterr()
    error: dict[str, str] = json.loads(out.out)["error"]
    assert all(error[part] for part in ("code", "what", "hint"))
    assert "Traceback" not in out.err
    return error


def test_a_locked_database_and_a_project_that_cannot_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, words = query_of_sqlite(tmp_path)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as other:
        other.execute("begin exclusive")
        monkeypatch.setattr("mlops_lab.lake.sql._LOCK_TIMEOUT_SECONDS", 0.1)
        with pytest.raises(MlopsError) as caught:
            make(tmp_path, data, words, monkeypatch)
        assert caught.value.code == "database_locked"
    with pytest.raises(InvalidInput):
        make_project(tmp_path / "made", {"mlops.toml": "[project]\n", "pipeline.py": ""})
    assert sorted(os.listdir(tmp_path)) == ["shop.db"]
