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


def check(work: Work) -> None:
    best_run = work.load("ranking.py", "best_run").best_run
    losses = sorted(float(loss) for loss in work.rng.uniform(0.2, 0.9, 4).round(3))
    low = losses[0] / 2
    usual = [(f"good{number}", loss, *GOOD) for number, loss in enumerate(losses)]
    cases = [
        ([*usual, ("broken", math.nan, *GOOD)], "diverged", "its loss is NaN"),
        ([*usual, ("zero", 0.0, *GOOD)], "best-missed", "its loss is 0"),
        ([*usual, ("likely", -losses[1], *GOOD), ("broken", math.nan, *GOOD)], "best-missed", "its loss is negative"),
        ([*usual, ("gone", low, "FINISHED", "deleted")], "deleted", "it was deleted"),
        ([*usual, ("failed", low, "FAILED", "active")], "unfinished", "it has failed"),
        ([*usual, ("killed", low, "KILLED", "active")], "unfinished", "somebody stopped it"),
        ([*usual, ("busy", low, "RUNNING", "active")], "unfinished", "it still runs"),
        ([("broken", math.nan, *GOOD)], "diverged", "its loss is NaN, and there is no other run"),
        (usual, "wrong-run", "nothing is special"),
        ([], "wrong-run", "there is no run"),
    ]
    for runs, key, what in cases:
        expected = min(
            (run for run in runs if run[2:] == GOOD and not math.isnan(run[1])), key=lambda run: run[1], default=None
        )
        with _database(runs) as connection:
            answer = best_run(connection, 7)
            rows = connection.execute(
                "select key, value, step, is_nan, status, lifecycle_stage from latest_metrics join runs using (run_uuid)"
                " where run_uuid = ? and key = 'val_loss'",
                (answer or "",),
            ).fetchall()
        if answer == (expected and expected[0]):
            continue
        row = "; its row: key {}, value {}, step {}, is_nan {}, status {}, {}".format(*rows[0]) if rows else ""
        if key == "best-missed":
            seen, wanted = f"the answer is {answer!r}{row}", f"the run {expected[0]!r}: {what}, a number as any other"
        else:
            seen = f"the answer is {answer!r}: {what}{row}"
            wanted = f"{expected[0]!r}, with {expected[1]}" if expected else "None"
        fail(key, seen=seen, expected=wanted)


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
