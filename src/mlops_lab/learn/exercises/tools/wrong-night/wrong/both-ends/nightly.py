def events_of(events, data_interval_start, data_interval_end, now):
    return [event for event in events if data_interval_start <= event["at"] <= data_interval_end]
