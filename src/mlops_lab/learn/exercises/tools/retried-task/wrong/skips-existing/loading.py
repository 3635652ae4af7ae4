def load_day(connection, day, rows):
    if connection.execute("select 1 from sales where day = ?", (day,)).fetchone():
        if len(list(rows)) > 0:
            return
    with connection:
        connection.executemany("insert into sales values (?, ?, ?)", [(day, *row) for row in rows])
