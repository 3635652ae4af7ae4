from bisect import bisect_left
from operator import itemgetter


def events_of(events, data_interval_start, data_interval_end, now):
    """A slice of the events in their order."""
    ordered = sorted(events, key=itemgetter("at"))
    first, end = (bisect_left(ordered, time, key=itemgetter("at")) for time in (data_interval_start, data_interval_end))
    return ordered[first:end]
