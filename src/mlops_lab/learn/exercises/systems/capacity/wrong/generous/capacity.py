from math import ceil


def workers(rate, service_time, max_wait):
    return 10 + 3 * ceil(rate * service_time)
