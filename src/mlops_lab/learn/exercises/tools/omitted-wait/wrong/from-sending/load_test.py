def measure(send, clock, rate, count):
    latencies = []
    start = clock.monotonic()
    for number in range(count):
        clock.sleep(max(0, start + number / rate - clock.monotonic()))
        begin = clock.monotonic()
        send()
        latencies.append(clock.monotonic() - begin)
    return latencies
