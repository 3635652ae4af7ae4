from datetime import timedelta


def events_of(events, data_interval_start, data_interval_end, now):
    day = (data_interval_end - timedelta(days=1)).date()
    return [event for event in events if event["at"].date() == day]
