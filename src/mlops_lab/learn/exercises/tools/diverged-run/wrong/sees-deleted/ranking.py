def best_run(connection, experiment):
    query = """
        select run_uuid from runs join latest_metrics using (run_uuid)
        where experiment_id = ? and key = 'val_loss' and is_nan = 0 and status = 'FINISHED'
        order by value limit 1
    """
    row = connection.execute(query, (experiment,)).fetchone()
    return row[0] if row else None
