def measure(send, clock, rate, count):
    """The latencies in seconds of `count` requests, `rate` of them a second.

    `send()` sends one, and returns when its answer is there. `clock`: the module time, with monotonic() and sleep(seconds).
    """
    latencies = []
    for _ in range(count):
        begin = clock.monotonic()
        send()
        latency = clock.monotonic() - begin
        latencies.append(latency)
        clock.sleep(max(0, 1 / rate - latency))
    return latencies
