import pandas as pd


def rate_by_day(visits, now, window):
    """The purchase rate, within the window, of each day that is final."""
    table = pd.DataFrame(visits, columns=["day", "bought_on"]).astype("Float64")
    table["bought"] = (table["bought_on"] - table["day"] <= window).fillna(False)
    final = table[table["day"] + window < now]
    return {int(day): float(rate) for day, rate in final.groupby("day")["bought"].mean().items()}
