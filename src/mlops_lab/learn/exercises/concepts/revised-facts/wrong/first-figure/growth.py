def growth_known_at(figures, decision):
    known = [figure for figure in figures if figure["published"] <= decision]
    if not known:
        return None
    quarter = max(figure["quarter_end"] for figure in known)
    return min((f for f in known if f["quarter_end"] == quarter), key=lambda f: f["published"])["growth"]
