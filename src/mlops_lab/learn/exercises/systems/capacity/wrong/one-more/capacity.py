from math import ceil


def workers(rate, service_time, max_wait):
    return ceil(rate * service_time) + 1
