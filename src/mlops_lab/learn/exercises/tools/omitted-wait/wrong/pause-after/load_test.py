def measure(send, clock, rate, count):
    latencies = []
    for _ in range(count):
        due = clock.monotonic()
        send()
        latencies.append(clock.monotonic() - due)
        while clock.monotonic() < due + 1 / rate:
            clock.sleep(1 / rate / 10)
    return latencies
