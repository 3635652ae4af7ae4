"""How the choice of an engine is told."""

from mlops_lab.lineage.engines import engine_lines
from mlops_lab.training.agreement import CORNERS, DATA, THRESHOLDS, Agreement, AgreementPart, TriedEngine


def part(rows: int) -> AgreementPart:
    return AgreementPart(rows=rows, differing=0, largest=0.0)


AGREEMENT = Agreement(
    engine="onnx",
    rows=1400,
    differing=0,
    largest=0.0,
    tolerance=1e-5,
    data_rows=2000,
    splits=30,
    splits_in_all=40,
    tried=[
        TriedEngine(engine="lightgbm", agrees=None, reason="it is another kind of model"),
        TriedEngine(
            engine="onnx",
            agrees=True,
            reason="agrees on all rows",
            tolerance=1e-5,
            parts={DATA: part(1000), CORNERS: part(100), THRESHOLDS: part(300)},
        ),
    ],
)


def test_the_engine_its_rows_and_the_others_are_told() -> None:
    assert engine_lines(AGREEMENT) == [
        ("engine", "onnx: agrees on all rows"),
        (
            "compared on",
            "rows: 1,000 of 2,000 of the training data, 100 with nulls or unseen texts, 300 at split thresholds "
            "(30 of 40); within 1e-05",
        ),
        ("not taken", "lightgbm: it is another kind of model"),
    ]


def test_an_agreement_of_format_1_tells_how_many_rows_agree() -> None:
    old = Agreement(format=1, engine="onnx", rows=1000, differing=3, largest=0.1, tolerance=1e-5)
    assert engine_lines(old) == [("engine", "onnx: 997 of 1,000 rows agree")]


def test_an_exact_engine_agrees_to_the_last_bit() -> None:
    exact = TriedEngine(engine="onnx", agrees=True, reason="agrees", parts={DATA: part(5)})
    lines = dict(engine_lines(Agreement(engine="onnx", rows=5, differing=0, largest=0.0, tolerance=0.0, tried=[exact])))
    assert lines["compared on"] == "rows: 5 of the training data; to the last bit"
