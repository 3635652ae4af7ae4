import pandas as pd


def read_results(path):
    """The test results of a file: a table with the columns patient, result."""
    table = pd.read_csv(path, dtype=str)
    results, last = table.iloc[:-1], table.iloc[-1:].to_numpy().tolist()
    if last != [["END", str(len(results))]]:
        raise ValueError(f"{path} is not complete: {len(results)} results, and its last line is {last}")
    return results
