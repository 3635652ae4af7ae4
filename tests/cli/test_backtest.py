"""What `mlops backtest` prints."""

import importlib
import io
import sys
from collections.abc import Callable

import msgspec
import pytest
from rich.console import Console

from mlops_lab.cli.backtest import render_backtest
from mlops_lab.cli.errors import guarded
from mlops_lab.cli.records.backtest import BacktestRecord
from mlops_lab.replay.backtest import BacktestMonth, BacktestResult, PolicyResult


def month(name: str, loss: float, auc: float | None, *, trainings: int = 0, promotions: int = 0) -> BacktestMonth:
    measures = {"log_loss": loss, "auc": auc, "observed_rate": 0.2}
    return BacktestMonth(month=name, requests=1200, measures=measures, trainings=trainings, promotions=promotions)


RESULT = BacktestResult(
    project="shop",
    span=("2013-03-01", "2013-03-31"),
    loss_name="log loss",
    requests=1200,
    policies=[
        PolicyResult(
            policy="own", version=3, months=[month("2013-03", 0.45, 0.78)],
            total=month("all", 0.45, 0.78, trainings=2, promotions=1), decisions=[],
        ),
        PolicyResult(
            policy="frozen", version=3, months=[month("2013-03", 0.47, None)], total=month("all", 0.47, None),
            decisions=[], gain=-0.02, p_value=0.003,
        ),
    ],
)  # fmt: skip


def test_months_stand_side_by_side_and_each_policy_is_compared_with_the_first():
    out = io.StringIO()
    render_backtest(RESULT, Console(file=out, width=100))
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert lines[0] == "1,200 requests from 2013-03-01 to 2013-03-31, answered by each policy"
    assert "own own frozen frozen" in lines
    assert "month requests log_loss auc log_loss auc" in lines
    assert "2013-03 1,200 0.4500 0.7800 0.4700 -" in lines
    assert "own: from version 3 on, 2 trainings, 1 promotion" in lines
    assert lines[-1] == (
        "frozen: from version 3 on, 0 trainings, 0 promotions; log loss 0.0200 a day higher than of own (p = 0.003)"
    )


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a command in this process; its exit code."""

    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["mlops", *words])
        return guarded(importlib.import_module("mlops_lab.cli.main").app)

    return run


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--from", "yesterday"], "bad_day"),
        (["--policy", "best"], "bad_policy"),
        (["--policy", "source.label=minutes"], "bad_policy"),
        (["--from", "2013-03-20", "--to", "2013-03-10"], "bad_span"),
    ],
)
def test_wrong_input_is_one_error_that_names_the_option(tiny, run, capsys, words, code):
    assert run("backtest", "--project", str(tiny.project.root), "--json", *words) == 2
    printed = capsys.readouterr()
    error = msgspec.json.decode(printed.out or printed.err)["error"]
    assert error["code"] == code
    assert error["where"].startswith(words[0])


def test_json_is_the_record(tiny, run, capsys):
    words = ["--from", "2013-03-18", "--to", "2013-03-19", "--policy", "frozen"]
    assert run("backtest", "--project", str(tiny.project.root), "--json", *words) == 0
    record = msgspec.json.decode(capsys.readouterr().out, type=BacktestRecord)
    assert (record.schema_version, record.span) == (1, ("2013-03-18", "2013-03-19"))
    assert [policy.policy for policy in record.policies] == ["frozen"]
