import pandas as pd


def read_results(path):
    table = pd.read_csv(path, dtype=str)
    last = table.iloc[-1]
    if last["patient"] != "END" or int(last["result"]) != len(table) - 1:
        raise ValueError("cut off")
    return table.iloc[:-1]
