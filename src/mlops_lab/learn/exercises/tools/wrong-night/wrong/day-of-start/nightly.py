def events_of(events, data_interval_start, data_interval_end, now):
    return [event for event in events if event["at"].date() == data_interval_start.date()]
