from datetime import date, timedelta

from mlops_lab.learn.checking import Work, fail


def check(work: Work) -> None:
    lookup = work.load("growth.py", "growth_known_at").growth_known_at
    figures = []
    for quarter in range(8):
        end = date(2022, 3, 31) + timedelta(days=91 * quarter)
        for delay in (30, 60, 150):  # the third figure comes after the first of the next quarter
            published = end + timedelta(days=delay + int(work.rng.integers(0, 15)))
            growth = round(float(work.rng.normal(0, 2)), 3)
            figures.append({"quarter_end": str(end), "published": str(published), "growth": growth})
    published = [date.fromisoformat(figure["published"]) for figure in figures]
    moments = {
        *published,
        *(day - timedelta(days=1) for day in published),
        *(day + timedelta(days=9) for day in published),
    }
    for moment in sorted(map(str, moments), key=lambda moment: moment < min(map(str, published))):
        shuffled = [figures[place] for place in work.rng.permutation(len(figures))]
        _compare(lookup(shuffled, moment), figures, moment)


def _compare(answer, figures, moment: str) -> None:
    known = [figure for figure in figures if figure["published"] <= moment]
    right = max(known, key=lambda figure: (figure["quarter_end"], figure["published"]), default=None)
    if answer == (right["growth"] if right else None):
        return
    used = next((figure for figure in figures if figure["growth"] == answer), None)
    if used is None:
        fail("no-figure", seen=f"on {moment}: {answer!r}, which is no figure of the list", expected="a figure, or None")
    what = (
        f"on {moment}: the figure of the quarter that ended on {used['quarter_end']}, published on {used['published']}"
    )
    if used["published"] > moment:
        fail("future-seen", seen=what, expected="a figure that was published by then")
    if used["quarter_end"] != right["quarter_end"]:
        fail("old-quarter", seen=what, expected="the latest quarter of which a figure was known")
    fail("revision-missed", seen=what, expected="the figure of that quarter that was published last by then")
