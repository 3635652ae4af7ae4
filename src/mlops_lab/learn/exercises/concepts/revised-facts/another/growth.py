import pandas as pd


def growth_known_at(figures, decision):
    """The growth to use for a decision at that moment; None if nothing was known."""
    table = pd.DataFrame(figures)
    known = table[table["published"] <= decision].sort_values(["quarter_end", "published"])
    return None if known.empty else known["growth"].iloc[-1]
