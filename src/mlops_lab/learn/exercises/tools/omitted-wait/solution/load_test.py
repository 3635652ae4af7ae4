def measure(send, clock, rate, count):
    """The latencies in seconds of `count` requests, `rate` of them a second, each from when it was due.

    `send()` sends one, and returns when its answer is there. `clock`: the module time, with monotonic() and sleep(seconds).
    """
    latencies = []
    start = clock.monotonic()
    for number in range(count):
        due = start + number / rate
        clock.sleep(max(0, due - clock.monotonic()))
        send()
        latencies.append(clock.monotonic() - due)
    return latencies
