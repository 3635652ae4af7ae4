def load_day(connection, day, rows):
    """Replace the rows of a day, pairs (shop, sales), in the table sales(day, shop, sales): all of them, or none."""
    with connection:
        connection.execute("delete from sales where day = ?", (day,))
        connection.executemany("insert into sales values (?, ?, ?)", ((day, *row) for row in rows))
