def best_run(connection, experiment):
    """The run_uuid of the finished run with the lowest val_loss that is a number, or None.

    `connection`: sqlite3, to a database of MLflow. Its tables, with the columns that matter here:
    runs(run_uuid, experiment_id, status, lifecycle_stage), latest_metrics(run_uuid, key, value, step, timestamp, is_nan)
    """
    query = """
        select run_uuid from runs join latest_metrics using (run_uuid)
        where experiment_id = ? and key = 'val_loss' and not is_nan
            and status = 'FINISHED' and lifecycle_stage = 'active'
        order by value limit 1
    """
    row = connection.execute(query, (experiment,)).fetchone()
    return row[0] if row else None
