def growth_known_at(figures, decision):
    """The growth to use for a decision at that moment; None if nothing was known."""
    known = [figure for figure in figures if figure["published"] <= decision]
    latest = max(known, key=lambda figure: (figure["quarter_end"], figure["published"]), default=None)
    return latest["growth"] if latest else None
