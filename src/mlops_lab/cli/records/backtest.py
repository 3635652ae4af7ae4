"""What `mlops backtest --json` prints."""

from __future__ import annotations

from mlops_lab.replay.backtest import BacktestResult


class BacktestRecord(BacktestResult, frozen=True, kw_only=True):
    """`mlops backtest`: the policies side by side, by month."""

    schema_version: int = 1
