"""river's drift detectors on the mistakes of a model, row by row: python with_river.py STREAMS RUNS KIND SETTING OUT

Runs in river's own environment. STREAMS (.npz): for each set of days its mistakes (0 or 1) and where each day ends.
RUNS (.npz): `sets` (days) and `chosen` (runs, days), which day of which set comes on each day of a run. OUT (.npy) gets
(runs, days): whether the detector alarmed. KIND is ADWIN (SETTING is `delta`) or PageHinkley (`threshold`).
"""

import sys

import numpy as np
from river.drift import ADWIN, PageHinkley


def main() -> None:
    streams, runs = np.load(sys.argv[1]), np.load(sys.argv[2])
    kind, setting = sys.argv[3], float(sys.argv[4])
    days = [
        [rows.tolist() for rows in np.split(streams[f"mistakes_{number}"], streams[f"ends_{number}"][:-1])]
        for number in range(len(streams.files) // 2)
    ]
    sets, chosen = runs["sets"].tolist(), runs["chosen"].tolist()
    alarms = np.zeros(runs["chosen"].shape, dtype=bool)
    for run, places in enumerate(chosen):
        detector = ADWIN(delta=setting) if kind == "ADWIN" else PageHinkley(threshold=setting)
        for day, (number, place) in enumerate(zip(sets, places, strict=True)):
            found = False
            for mistake in days[number][place]:
                detector.update(mistake)
                found |= detector.drift_detected
            alarms[run, day] = found
    np.save(sys.argv[5], alarms)


if __name__ == "__main__":
    main()
