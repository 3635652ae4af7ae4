def growth_known_at(figures, decision):
    """The growth to use for a decision at that moment.

    figures: a list of dicts with quarter_end, published, growth. A quarter can have several.
    """
    past = [figure for figure in figures if figure["quarter_end"] <= decision]
    return max(past, key=lambda figure: (figure["quarter_end"], figure["published"]))["growth"]
