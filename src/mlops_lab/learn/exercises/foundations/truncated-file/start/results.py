import pandas as pd


def read_results(path):
    """The test results of a file: a table with the columns patient, result."""
    return pd.read_csv(path)
