import pandas as pd


def read_users(path):
    """The users of a CSV file with the columns id, name."""
    return pd.read_csv(path)
