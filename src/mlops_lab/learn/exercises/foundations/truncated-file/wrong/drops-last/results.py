import pandas as pd


def read_results(path):
    return pd.read_csv(path).iloc[:-1]
