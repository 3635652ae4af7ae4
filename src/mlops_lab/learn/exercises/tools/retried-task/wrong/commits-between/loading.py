def load_day(connection, day, rows):
    connection.execute("delete from sales where day = ?", (day,))
    connection.commit()
    connection.executemany("insert into sales values (?, ?, ?)", [(day, *row) for row in rows])
    connection.commit()
