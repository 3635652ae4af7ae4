import hashlib


def split(patients, seed):
    """Two lists of positions, train and test. A patient's side does not depend on who else is there."""

    def is_test(patient):
        return hashlib.sha256(f"{seed}/{patient}".encode()).digest()[0] < 51

    sides = [is_test(patient) for patient in patients]
    return [n for n, side in enumerate(sides) if not side], [n for n, side in enumerate(sides) if side]
