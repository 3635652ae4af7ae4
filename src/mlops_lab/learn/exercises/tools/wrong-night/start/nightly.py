from datetime import timedelta


def events_of(events, data_interval_start, data_interval_end, now):
    """The events that a run takes: dicts, of which "at" is the time (a datetime, UTC, as the other three)."""
    yesterday = now.date() - timedelta(days=1)
    return [event for event in events if event["at"].date() == yesterday]
