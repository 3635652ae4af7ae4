from math import exp


def workers(rate, service_time, max_wait):
    """How many workers: `rate` requests a second, `service_time` seconds each on average."""
    load = rate * service_time
    count, blocked = 0, 1.0
    while True:
        count += 1
        blocked = load * blocked / (count + load * blocked)  # Erlang B
        if count > load:
            must_wait = blocked / (1 - load / count * (1 - blocked))  # Erlang C
            if must_wait * exp(-(count - load) * max_wait / service_time) <= 0.01:
                return count
