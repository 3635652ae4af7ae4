def growth_known_at(figures, decision):
    known = [figure for figure in figures if figure["published"] <= decision]
    return max(known, key=lambda figure: (figure["quarter_end"], figure["published"]))["growth"]
