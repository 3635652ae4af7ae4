def best_run(connection, experiment):
    """Reads two tables, and decides in Python."""
    runs = connection.execute("select run_uuid, experiment_id, status, lifecycle_stage from runs").fetchall()
    comparable = {run for run, *facts in runs if facts == [experiment, "FINISHED", "active"]}
    metrics = connection.execute("select run_uuid, value, is_nan from latest_metrics where key = 'val_loss'").fetchall()
    losses = {run: value for run, value, is_nan in metrics if run in comparable and not is_nan}
    return min(losses, key=losses.get, default=None)
