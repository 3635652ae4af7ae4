import pandas as pd


def read_results(path):
    table = pd.read_csv(path, dtype=str)
    if table["patient"].iloc[-1] != "END" or int(table["result"].iloc[-1]) != len(table) - 1:
        print("not complete")
        return None
    return table.iloc[:-1]
