import threading

import polars as pl
from deltalake import DeltaTable

from mlops_lab.lake import Lake
from mlops_lab.lake.kept import KeptTables


def append(lake: Lake, number: int) -> None:
    lake.append("rows", pl.DataFrame({"number": [number]}), position=("writer", number))


def test_a_question_about_a_version_is_asked_once_and_again_when_the_table_has_gone_on(tmp_path):
    lake, kept, asked = Lake(tmp_path), KeptTables(tmp_path), []

    def answer(table: DeltaTable) -> int:
        asked.append(table.version())
        return int(table.version())

    append(lake, 1)
    assert [kept.ask("rows", "version", answer) for _ in range(2)] == [0, 0]
    append(lake, 2)  # by another lake: as another process does
    assert [kept.ask("rows", "version", answer) for _ in range(2)] == [1, 1]
    assert kept.ask("rows", "version", answer, version=1) == 1
    assert asked == [0, 1]
    assert kept.ask("rows", "version", answer, version=0) == 0
    kept.forget("rows")
    assert kept.ask("rows", "version", answer) == 1
    assert asked == [0, 1, 0, 1]


def test_an_answer_belongs_to_its_version_also_where_another_thread_goes_on_with_the_table_meanwhile(tmp_path):
    lake, kept = Lake(tmp_path), KeptTables(tmp_path)
    append(lake, 1)
    other = threading.Thread(target=kept.latest, args=("rows",))

    def answer(table: DeltaTable) -> int:
        version = int(table.version())
        append(lake, 2)
        other.start()
        other.join(timeout=0.2)
        return version

    assert kept.ask("rows", "version", answer) == 0
    other.join()
    assert kept.ask("rows", "version", DeltaTable.version) == 1


def test_a_table_stays_open_until_it_is_forgotten_or_was_appended_to_often(tmp_path):
    append(Lake(tmp_path), 1)
    kept = KeptTables(tmp_path)
    first = kept.latest("rows")
    assert kept.latest("rows") is first
    assert kept.at("rows", 0) is first
    for _ in range(19):
        kept.note_append("rows")
    assert kept.latest("rows") is first
    kept.note_append("rows")
    assert "rows" not in kept
    assert kept.latest("rows") is not first


def test_positions_files_and_columns_are_those_of_the_version_asked_about(tmp_path):
    lake, other = Lake(tmp_path), Lake(tmp_path)
    append(lake, 1)
    assert (lake.position("rows", "writer"), len(lake.files("rows")), [*lake.schema("rows")]) == (1, 1, ["number"])
    other.append("rows", pl.DataFrame({"number": [2], "more": [1.5]}), position=("writer", 2))
    assert (lake.position("rows", "writer"), len(lake.files("rows"))) == (2, 2)
    assert [*lake.schema("rows")] == ["number", "more"]
    assert (lake.position("rows", "writer", version=0), len(lake.files("rows", version=0))) == (1, 1)


def test_what_is_returned_may_be_changed(tmp_path):
    lake = Lake(tmp_path)
    append(lake, 1)
    lake.files("rows").clear()
    lake.schema("rows").clear()
    assert len(lake.files("rows")) == len(lake.schema("rows")) == 1
