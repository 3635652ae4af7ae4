"""Large files are sent to a server in parts: an error in a later part says which rows were taken."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from changing import Shop
from drafts import Draft
from running import serving

from mlops_lab.errors import InvalidInput
from mlops_lab.intake import deliver
from mlops_lab.project import load_project


def test_what_was_taken_of_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(tmp_path / "shop", Draft())
    shop.edit(shop.draft)
    assert shop.mlops("run").code == 0
    monkeypatch.setattr(deliver, "ROWS_AT_ONCE", 2)
    project, file = load_project(shop.folder), shop.folder / "told.jsonl"
    with serving(project) as server:
        talk = server.talk()
        for number in range(5):
            talk.predict(shop.draft.request_at(shop.now, number, f"r{number}"))
        rows = [shop.draft.outcome_of(f"r{number}", number, shop.now + timedelta(hours=1)) for number in range(5)]
        rows[3]["known_at"] = (datetime.fromisoformat(rows[3]["known_at"]) - timedelta(days=1)).isoformat()
        pl.DataFrame(rows).write_ndjson(file)
        with pytest.raises(InvalidInput, match=r"\$\.outcomes\[3\]") as caught:
            deliver.deliver_outcomes(project, file)
        assert caught.value.hint == (
            "the first 2 of 5 rows were taken, and none after them; mend it and send the file again: "
            "no row is taken twice"
        )
        rows[3]["known_at"] = rows[2]["known_at"]
        pl.DataFrame(rows).write_ndjson(file)
        counts = deliver.deliver_outcomes(project, file)["counts"]
    assert (counts["accepted"], counts["duplicate"]) == (3, 2)
