"""`mlops score`: a file of requests is answered as the server would have answered it; whole, or not at all."""

from __future__ import annotations

import gzip
import os
import pty
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from running import MLOPS, mlops, until
from synthetic import day_begin

from mlops_lab.errors import InvalidInput
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.scoring.score import ScoringResult, score

REQUEST = ["asked_at", "depot", "customer", "items", "distance", "weight", "express"]


@pytest.fixture(scope="module")
def promoted(lived: Path, copy_project: Callable[..., Project]) -> Project:
    """Version 2 is live; nothing here changes it."""
    return copy_project(lived / "promoted")


@pytest.fixture(scope="module")
def predictions(promoted: Project) -> pl.DataFrame:
    """What the server answered, all by version 2."""
    return Lake(promoted.lake_path).read("predictions").filter(pl.col("at") >= day_begin(32))


def iso(frame: pl.DataFrame) -> pl.DataFrame:
    """Moments as text, as they stand in a CSV or JSON lines file."""
    return frame.with_columns(pl.selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))


def answer(project: Project, file: Path, **options: bool) -> tuple[pl.DataFrame, ScoringResult]:
    """The answers to a file, in this process."""
    parts: list[pl.DataFrame] = []
    scored = score(project, file, write=parts.append, **options)
    return pl.concat(parts), scored


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_a_file_is_answered_as_the_server_answered(
    promoted: Project, predictions: pl.DataFrame, tmp_path: Path, suffix: str
) -> None:
    """Batch = online, to the last bit, in every format."""
    assert set(predictions["version"]) == {2}
    requests = predictions.select("id", *REQUEST)
    file = tmp_path / f"requests.{suffix}"
    match suffix:
        case "csv":
            iso(requests).write_csv(file)
        case "parquet":
            requests.write_parquet(file)
        case "jsonl":
            iso(requests).write_ndjson(file)

    printed = mlops("score", file, project=promoted.root).data

    assert printed["rows"] == predictions.height
    assert [row["id"] for row in printed["answers"]] == predictions["id"].to_list()
    assert [row["output"] for row in printed["answers"]] == predictions["output"].to_list()
    assert {row["version"] for row in printed["answers"]} == {2}


def test_one_row_is_answered_like_many(promoted: Project, predictions: pl.DataFrame, tmp_path: Path) -> None:
    row = predictions.sort("at").filter(pl.col("hours_since").is_not_null()).row(20, named=True)
    predictions.filter(pl.col("id") == row["id"]).select(REQUEST).write_parquet(tmp_path / "one.parquet")
    printed = mlops("score", tmp_path / "one.parquet", project=promoted.root).data
    assert [answer["output"] for answer in printed["answers"]] == [row["output"]]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_answers_can_be_written_to_a_file(
    promoted: Project, predictions: pl.DataFrame, tmp_path: Path, suffix: str
) -> None:
    predictions.select(REQUEST).write_parquet(tmp_path / "requests.parquet")
    out = tmp_path / f"answers.{suffix}"
    command = [*MLOPS, "score", str(tmp_path / "requests.parquet"), "--out", str(out), "--project", str(promoted.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    answers = pl.read_csv(out) if suffix == "csv" else pl.read_parquet(out)
    assert answers["output"].to_list() == predictions["output"].to_list()


@pytest.mark.parametrize(
    ("name", "text", "code", "what"),
    [
        ("missing.csv", "depot,items\nb,1\n", "missing_column", "asked_at"),
        ("misspelt.csv", "HEADER\nROW\n", "missing_column", "weight"),
        ("typed.csv", "HEADER\n2024-04-01T10:00:00Z,b,k1,many,1.0,,\n", "wrong_type", "integer"),
        ("null.csv", "HEADER\n2024-04-01T10:00:00Z,,k1,3,1.0,,\n", "null_value", "null"),
        ("moment.csv", "HEADER\nsoon,b,k1,3,1.0,,\n", "wrong_type", "soon"),
        ("empty.csv", "", "empty_file", "empty"),
        ("damaged.parquet", "PAR1 but not really", "bad_file", ""),
        ("damaged.jsonl", '{"asked_at": ', "bad_file", ""),
        ("requests.bin", "\0\1\2\3\4\5\6\7", "unknown_format", "neither text nor Parquet"),
        ("not there.csv", None, "no_file", "not exist"),
    ],
)
def test_wrong_files_are_refused(
    promoted: Project, tmp_path: Path, name: str, text: str | None, code: str, what: str
) -> None:
    row = "2024-04-01T10:00:00Z,b,k1,3,1.0,2.0,true"
    if text is not None:
        (tmp_path / name).write_text(text.replace("HEADER", ",".join(REQUEST)).replace("ROW", row))
        if name == "misspelt.csv":
            (tmp_path / name).write_text((tmp_path / name).read_text().replace("weight", "wieght"))
    if name in {"missing.csv", "not there.csv"}:
        error = mlops("score", tmp_path / name, project=promoted.root, code=2).error
    else:
        with pytest.raises(InvalidInput) as caught:
            answer(promoted, tmp_path / name)
        error = caught.value.as_dict()
    assert error["code"] == code
    assert what in error["what"]
    assert all(error.values())


def test_a_folder_a_delta_table_and_a_packed_file_are_answered_too(
    promoted: Project, predictions: pl.DataFrame, tmp_path: Path
) -> None:
    requests = predictions.select("id", *REQUEST)
    parts = tmp_path / "some parts"
    parts.mkdir()
    requests.head(50).write_parquet(parts / "a.parquet")
    requests.tail(-50).write_parquet(parts / "b.parquet")
    requests.write_delta(str(tmp_path / "table"))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(iso(requests).write_csv().encode()))
    for source in (parts, tmp_path / "table", tmp_path / "a.csv.gz"):
        answers, scored = answer(promoted, source)
        assert answers["output"].to_list() == predictions["output"].to_list()
        assert scored == ScoringResult(requests.height, 0, 2)


def test_the_output_has_ids_and_answers_and_requests_on_demand(
    promoted: Project, predictions: pl.DataFrame, tmp_path: Path
) -> None:
    """Other columns are no error, whatever they hold; the predictions themselves can be scored again."""
    rows = predictions.with_columns(tags=pl.lit(["a"]), parcel_id="id").select(
        pl.all().shuffle(1).name.prefix("old_"), pl.all()
    )
    rows.write_parquet(tmp_path / "rows.parquet")
    assert answer(promoted, tmp_path / "rows.parquet")[0].columns == ["id", "parcel_id", "output", "version", "error"]
    answers, _ = answer(promoted, tmp_path / "rows.parquet", with_requests=True)
    assert answers.columns == ["id", "parcel_id", *REQUEST, "output", "version", "error"]
    assert answers.select("id", *REQUEST, "output").equals(predictions.select("id", *REQUEST, "output"))
    predictions.select(REQUEST).write_parquet(tmp_path / "rows.parquet")
    assert answer(promoted, tmp_path / "rows.parquet")[0].columns == [*REQUEST, "output", "version", "error"], "no ids"


def test_a_field_that_may_be_null_may_be_left_out_of_a_json_line(
    promoted: Project, predictions: pl.DataFrame, tmp_path: Path
) -> None:
    rows = predictions.filter(pl.col("weight").is_null()).select("id", *REQUEST)
    iso(rows.drop("weight")).write_ndjson(tmp_path / "rows.jsonl")
    iso(rows).write_ndjson(tmp_path / "whole.jsonl")
    assert answer(promoted, tmp_path / "rows.jsonl")[0].equals(answer(promoted, tmp_path / "whole.jsonl")[0])


def many(predictions: pl.DataFrame, rows: int) -> pl.DataFrame:
    """So many requests, each with an id of its own."""
    times = rows // predictions.height + 1
    frame = pl.concat([predictions.select(REQUEST)] * times).head(rows)
    return frame.with_row_index("id").with_columns(pl.col("id").cast(pl.String))


def test_batches_keep_their_order_and_a_bad_row_is_one_bad_row(
    promoted: Project, predictions: pl.DataFrame, tmp_path: Path
) -> None:
    rows = many(predictions, 130_000)
    rows.write_parquet(tmp_path / "rows.parquet")
    answers, scored = answer(promoted, tmp_path / "rows.parquet")
    assert scored.rows == 130_000
    assert answers["id"].equals(rows["id"])
    assert answers["output"].head(predictions.height).equals(predictions["output"])
    assert answers["output"].equals(
        answers["output"].head(predictions.height).gather(pl.Series(range(130_000)) % predictions.height)
    )
    is_bad = pl.int_range(pl.len()).is_in([3, 120_007])
    bad = rows.with_columns(depot=pl.when(~is_bad).then("depot"), items=pl.when(is_bad).then(1.5).otherwise("items"))
    bad.write_parquet(tmp_path / "bad.parquet")
    out = tmp_path / "out.parquet"
    printed = mlops("score", tmp_path / "bad.parquet", "--out", out, project=promoted.root)
    assert (printed.data["rows"], printed.data["unanswered"]) == (130_000, 2)
    assert "2 of them have no answer" in printed.err
    written = pl.read_parquet(out)
    assert written["id"].equals(rows["id"])
    assert written["error"].drop_nulls().to_list() == ["items: 1.5 is not an integer"] * 2
    assert written.filter(pl.col("error").is_null())["output"].equals(answers.filter(~is_bad)["output"])


def test_every_format_is_written_and_no_file_is_overwritten_without_a_flag(
    promoted: Project, predictions: pl.DataFrame, tmp_path: Path
) -> None:
    predictions.select("id", *REQUEST).write_parquet(tmp_path / "requests.parquet")
    out = tmp_path / "answers.delta"
    printed = mlops("score", tmp_path / "requests.parquet", "--out", out, "--requests", project=promoted.root).data
    assert printed == {"rows": predictions.height, "unanswered": 0, "version": 2, "file": str(out)}
    written = pl.read_delta(str(out))
    assert written.select("id", *REQUEST, "output").equals(predictions.select("id", *REQUEST, "output"))
    words = ["score", tmp_path / "requests.parquet", "--out", out]
    error = mlops(*words, project=promoted.root, code=2).error
    assert (error["code"], error["where"]) == ("output_exists", str(out))
    mlops(*words, "--overwrite", project=promoted.root)
    assert pl.read_delta(str(out), version=0).select("id", "output", "version", "error").equals(pl.read_delta(str(out)))
    mlops("score", tmp_path / "requests.parquet", "--out", tmp_path / "a.txt", "--format", "csv", project=promoted.root)
    assert pl.read_csv(tmp_path / "a.txt")["output"].to_list() == predictions["output"].to_list()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--out", "answers.xlsx"], "unknown_format"),
        (["--out", "answers", "--format", "feather"], "unknown_format"),
        (["--format", "parquet"], "unknown_format"),
        (["--out", "no/such/folder.csv"], "no_folder"),
    ],
)
def test_outputs_that_cannot_be_written(
    promoted: Project, predictions: pl.DataFrame, tmp_path: Path, words: list[str], code: str
) -> None:
    predictions.select(REQUEST).write_parquet(tmp_path / "requests.parquet")
    error = mlops("score", "requests.parquet", *words, project=promoted.root, code=2, cwd=tmp_path).error
    assert error["code"] == code
    assert [path.name for path in tmp_path.iterdir()] == ["requests.parquet"]


def test_a_killed_run_leaves_no_file_that_looks_complete(
    promoted: Project, predictions: pl.DataFrame, tmp_path: Path
) -> None:
    many(predictions, 1_500_000).write_parquet(tmp_path / "rows.parquet")
    out = tmp_path / "out"
    out.mkdir()
    command = [
        *MLOPS,
        "score",
        str(tmp_path / "rows.parquet"),
        "--out",
        str(out / "a.parquet"),
        "--project",
        str(promoted.root),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until(lambda: any(path.stat().st_size for path in out.rglob("*.arrow")))
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    (part,) = out.iterdir()
    assert re.fullmatch(r"\.a\.parquet\.\w+\.batches\.part", part.name)


def test_a_terminal_shows_the_progress(promoted: Project, predictions: pl.DataFrame, tmp_path: Path) -> None:
    many(predictions, 200_000).write_parquet(tmp_path / "rows.parquet")
    command = [
        *MLOPS,
        "score",
        str(tmp_path / "rows.parquet"),
        "--out",
        str(tmp_path / "a.csv"),
        "--project",
        str(promoted.root),
    ]
    terminal, side = pty.openpty()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=side, text=True, env={**os.environ, "TERM": "xterm"}
    )
    os.close(side)
    shown = b""
    with os.fdopen(terminal, "rb", buffering=0) as stream:
        try:
            while block := stream.read(4096):
                shown += block
        except OSError:  # the other side is closed
            pass
    assert process.communicate()[0] == f"200000 answers in {tmp_path / 'a.csv'}\n"
    assert b"/200000" in shown
    assert b"requests" in shown


def test_what_the_server_would_refuse_has_no_answer(
    promoted: Project, predictions: pl.DataFrame, tmp_path: Path
) -> None:
    """A view that refuses knows nothing of a depot nobody has heard of."""
    text = (promoted.root / "pipeline.py").read_text()
    line = 'values={"docks": last("docks")}'
    assert line in text
    root = tmp_path / "strict"
    shutil.copytree(promoted.root, root, ignore=shutil.ignore_patterns(".mlops"))
    (root / "pipeline.py").write_text(text.replace(line, line + ', missing="refuse"'))
    mlops("run", project=root)
    rows = predictions.select(REQUEST).head(3).with_columns(depot=pl.Series(["a", "nowhere", "b"]))
    rows.write_parquet(tmp_path / "rows.parquet")
    printed = mlops("score", tmp_path / "rows.parquet", project=root)
    assert [one["output"] is None for one in printed.data["answers"]] == [False, True, False]
    assert [one["error"] for one in printed.data["answers"]] == [None, "a view knows nothing of it, and refuses", None]
    assert printed.data["unanswered"] == 1
    assert "1 of them" in printed.err
