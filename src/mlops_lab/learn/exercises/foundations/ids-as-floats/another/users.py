import csv

import pandas as pd


def read_users(path):
    """The users of a CSV file with the columns id, name."""
    with open(path, newline="") as file:
        return pd.DataFrame([{**row, "id": row["id"] or None} for row in csv.DictReader(file)])
