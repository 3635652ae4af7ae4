def load_day(connection, day, rows):
    """Load the rows of a day, pairs (shop, sales), into the table sales(day, shop, sales) of an sqlite3 connection."""
    for shop, sales in rows:
        connection.execute("insert into sales values (?, ?, ?)", (day, shop, sales))
        connection.commit()
