import pandas as pd


def read_users(path):
    table = pd.read_csv(path)
    table["id"] = table["id"].astype("Int64")  # too late: the digits are gone
    return table
