import math
import sqlite3

from mlops_lab.learn.checking import Work, fail

SCHEMA = """
create table runs(run_uuid text primary key, name text, experiment_id integer, status text, lifecycle_stage text);
create table latest_metrics(
    key text, value real, timestamp integer, step integer, is_nan boolean, run_uuid text, primary key (key, run_uuid)
);
"""
GOOD = ("FINISHED", "active")


REASONS = {
    "broken": ("diverged", "its loss is NaN"),
    "gone": ("deleted", "it was deleted"),
    "failed": ("unfinished", "it has failed"),
    "killed": ("unfinished", "somebody stopped it"),
    "busy": ("unfinished", "it still runs"),
    "elsewhere": ("wrong-run", "it belongs to another experiment"),
}


def check(work: Work) -> None:
    best_run = work.load("ranking.py", "best_run").best_run
    losses = sorted(float(loss) for loss in work.rng.uniform(0.2, 0.9, 4).round(3))
    low = losses[0] / 2
    usual = [(f"good{number}", loss, *GOOD) for number, loss in enumerate(losses)]
    broken = ("broken", math.nan, *GOOD)
    cases = (
        [*usual, broken],
        [*usual, ("zero", 0.0, *GOOD)],
        [*usual, ("negative", -losses[1], *GOOD), broken],
        [*usual, ("gone", low, "FINISHED", "deleted")],
        [*usual, ("failed", low, "FAILED", "active")],
        [*usual, ("killed", low, "KILLED", "active")],
        [*usual, ("busy", low, "RUNNING", "active")],
        [broken],
        [],
    )
    for runs in cases:
        comparable = [run for run in runs if run[2:] == GOOD and not math.isnan(run[1])]
        expected, loss, *_ = min(comparable, key=lambda run: run[1], default=(None, None))
        connection = _database(runs)
        answer = best_run(connection, 7)
        if answer == expected:
            continue
        key, reason = REASONS.get(answer, ("wrong-run", "there is a better one" if answer else "there is one"))
        if expected in ("zero", "negative"):
            key = "best-missed"
        seen = f"the answer is {answer!r}: {reason}{_show_row(connection, answer)}"
        fail(key, seen=seen, expected=f"{expected!r}, with a loss of {loss}" if expected else "None")


def _show_row(connection: sqlite3.Connection, run) -> str:
    query = """
        select 'val_loss', value, is_nan, status, lifecycle_stage from latest_metrics join runs using (run_uuid)
        where run_uuid = ? and key = 'val_loss'
    """
    row = connection.execute(query, (str(run),)).fetchone()
    return "; its row: key {}, value {}, is_nan {}, status {}, lifecycle_stage {}".format(*row) if row else ""


def _database(runs) -> sqlite3.Connection:
    """As MLflow writes it: 0 for NaN. Another experiment has lower losses, and each run a lower loss in training."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    for experiment, name, value, status, stage in [(8, "elsewhere", -99.0, *GOOD), *((7, *run) for run in runs)]:
        connection.execute("insert into runs values (?, ?, ?, ?, ?)", (name, name, experiment, status, stage))
        stored = (0.0 if math.isnan(value) else value, 1_700_000_000_000, 20, math.isnan(value), name)
        connection.execute("insert into latest_metrics values ('val_loss', ?, ?, ?, ?, ?)", stored)
        connection.execute("insert into latest_metrics values ('loss', -5.0, 1700000000000, 20, 0, ?)", (name,))
    return connection
