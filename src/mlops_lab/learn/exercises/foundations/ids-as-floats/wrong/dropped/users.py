import pandas as pd


def read_users(path):
    return pd.read_csv(path).dropna(subset="id").astype({"id": "int64"})
