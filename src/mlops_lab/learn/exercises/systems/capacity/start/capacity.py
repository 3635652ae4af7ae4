from math import ceil


def workers(rate, service_time, max_wait):
    """How many workers: `rate` requests a second, `service_time` seconds each on average."""
    return max(1, ceil(rate * service_time))
