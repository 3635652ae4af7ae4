def events_of(events, data_interval_start, data_interval_end, now):
    """The events that a run takes: dicts, of which "at" is the time (a datetime, UTC, as the other three)."""
    return [event for event in events if data_interval_start <= event["at"] < data_interval_end]
