def load_day(connection, day, rows):
    """Everything is read first; then one transaction."""
    complete = [(day, shop, sales) for shop, sales in rows]
    try:
        connection.execute("begin immediate")
        connection.execute("delete from sales where day = ?", [day])
        for row in complete:
            connection.execute("insert into sales values (?, ?, ?)", row)
        connection.execute("commit")
    except BaseException:
        connection.rollback()
        raise
