from math import isnan


def best_run(connection, experiment):
    query = """
        select run_uuid, value from runs join latest_metrics using (run_uuid)
        where experiment_id = ? and key = 'val_loss'
            and status = 'FINISHED' and lifecycle_stage = 'active'
        order by value
    """
    rows = connection.execute(query, (experiment,)).fetchall()
    return next((run for run, value in rows if value is not None and not isnan(value)), None)
