def measure(send, clock, rate, count):
    latencies = []
    for _ in range(count):
        begin = clock.monotonic()
        send()
        latencies.append(clock.monotonic() - begin)
    return latencies
