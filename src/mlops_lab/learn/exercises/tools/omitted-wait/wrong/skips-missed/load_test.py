def measure(send, clock, rate, count):
    latencies = []
    start = clock.monotonic()
    for number in range(count):
        due = start + number / rate
        if due < clock.monotonic() - 1 / rate:
            continue
        clock.sleep(max(0, due - clock.monotonic()))
        send()
        latencies.append(clock.monotonic() - due)
    return latencies
