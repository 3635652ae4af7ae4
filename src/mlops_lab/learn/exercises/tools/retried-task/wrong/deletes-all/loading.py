def load_day(connection, day, rows):
    with connection:
        connection.execute("delete from sales")
        connection.executemany("insert into sales values (?, ?, ?)", [(day, *row) for row in rows])
