from __future__ import annotations

from mlops_lab.ci.report import write_report
from mlops_lab.ci.validation import Check, Cost, Figures, Trained, Validation
from mlops_lab.lineage.records import Change, DefinitionChanges, FeatureChanges

NONE = DefinitionChanges(added=[], removed=[], changed={})
TRAINED = Trained(
    learned_rows=2000,
    held_out_rows=500,
    cutoff="2026-05-24T18:19:00+00:00",
    snapshots=["shop@3"],
    compared_with="version 4, on rows that it has not learned from",
    measures=[Figures(name="log_loss", candidate=0.25, champion=0.5, rows=480)],
    slices=[Figures(name="city=<b>|@all", candidate=0.25, champion=None, rows=60)],
    cost=Cost(
        seconds={"training": 1.25},
        package_bytes=2_500_000,
        champion_package_bytes=None,
        row_micros=12.0,
        champion_row_micros=14.5,
    ),
)


def make(*checks: Check, trained: Trained | None = TRAINED) -> str:
    return write_report(
        Validation(
            project="shop",
            passed=all(check.passed for check in checks),
            commit="abc",
            champion=4,
            checks=list(checks),
            contract={"shop": ["city: removed; not backward: it was used; forward compatible"]},
            features=FeatureChanges(
                other="4",
                same=False,
                views=NONE,
                derived=DefinitionChanges(
                    added=["hour"], removed=[], changed={"ratio": {"expression": Change(then="a / b", now="a * b")}}
                ),
                inputs=DefinitionChanges(added=[], removed=["city"], changed={}),
            ),
            trained=trained,
        )
    )


def test_it_shows_what_a_reviewer_needs() -> None:
    text = make(Check(name="sanity", passed=True, reason="fine", evidence={"log_loss": 0.25}))
    assert text.startswith("## shop: passed\n")
    for line in (
        "| ✅ | sanity | fine |",
        "| log\\_loss | 0.2500 | 0.5000 | -0.2500 |",
        "On 480 of 500 held-out rows. Compared with version 4, on rows that it has not learned from.",
        "| shop | city: removed; not backward: it was used; forward compatible |",
        "| derived | hour | added |",
        "| derived | ratio | expression: a / b → a \\* b |",
        "| input | city | removed |",
        "| package | 2.50 MB | – |",
        "| one row | 12.00 µs | 14.50 µs |",
        "Seconds here: training 1.2.",
        "| sanity | log\\_loss | 0.25 |",
        "Snapshots: shop\\@3.",
    ):
        assert line in text.splitlines(), line


def test_names_from_data_are_no_markup() -> None:
    text = make(Check(name="slices", passed=False, reason="see <img> and\n| @here"))
    assert "| city=&lt;b&gt;\\|\\@all | 0.2500 | – | – | 60 |" in text
    assert "| ❌ | slices | see &lt;img&gt; and \\| \\@here |" in text


def test_the_first_line_names_what_refuses() -> None:
    text = make(
        Check(name="same_model", passed=False, counts=False, reason="the same"),
        Check(name="slices", passed=False, reason="worse"),
        Check(name="sanity", passed=False, reason="worse"),
        trained=None,
    )
    assert text.startswith("## shop: refused by slices, sanity\n")
    assert "| ⚪ | same\\_model | the same |" in text
    assert "### Metrics" not in text
