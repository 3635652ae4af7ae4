def growth_known_at(figures, decision):
    known = [figure for figure in figures if figure["published"] <= decision]
    latest = max(known, key=lambda figure: figure["published"], default=None)
    return latest["growth"] if latest else None
