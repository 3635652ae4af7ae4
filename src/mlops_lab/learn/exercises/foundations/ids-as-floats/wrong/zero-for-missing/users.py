import pandas as pd


def read_users(path):
    table = pd.read_csv(path, dtype={"id": str})
    table["id"] = table["id"].fillna("0")
    return table
