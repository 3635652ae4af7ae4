"""Exact sums: the same to the last bit, whatever the order of their terms.

The sum of a window is the difference of two running sums. In floating point it would have a rounding error that
depends on everything before the window. So running sums are kept as whole numbers, in units of 2^LOWEST, which
represent every float between 1e-80 and 1e300 exactly (smaller ones count as 0). The server keeps them as Python
integers; training keeps the same numbers as columns of 32 bits each ("limbs"). Both convert them to floats by the same
steps, so the floats are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOWEST = -320
_BITS = 32
_MASK = 2**_BITS - 1
_BASE = float(2**_BITS)
_SPLITTER = 2.0**27 + 1

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


# ---- one number at a time: Python's integers --------------------------------------------------------------------


def to_whole(value: float) -> int:
    """`value` in units of 2^LOWEST; 0 where it is smaller than they can express."""
    mantissa, exponent = math.frexp(value)
    shift = exponent - 53 - LOWEST
    return int(mantissa * 2.0**53) << shift if shift >= 0 else 0


def to_double(whole: int) -> tuple[float, float]:
    """The number as two floats: the first is the number up to some units in the last place, the second the rest."""
    if not whole:
        return 0.0, 0.0
    skipped = ((whole & -whole).bit_length() - 1) // _BITS
    whole >>= skipped * _BITS
    limbs = []
    while not -_MASK <= whole <= _MASK:
        limbs.append(whole & _MASK)
        whole >>= _BITS
    return _join([*limbs, whole], math.ldexp(1.0, LOWEST + skipped * _BITS))


# ---- many at once: columns of limbs -------------------------------------------------------------------------------


class RunningSums:
    """Exact sums over any block of a column.

    `terms` are added up from the first one; `between` takes the difference of two of these sums. A column may have up
    to 2^30 terms. An overflow does no harm, because it happens on both sides of the difference.
    """

    def __init__(self, *terms: Floats) -> None:
        parts: dict[int, Integers] = {}
        for column in terms:
            for limb, part in _split(column).items():
                parts[limb] = parts[limb] + part if limb in parts else part
        self.first = min(parts, default=0)
        width = max(parts, default=0) - self.first + 1
        zeros = np.zeros(len(terms[0]), dtype=np.int64)
        self.limbs = [_running(parts.get(self.first + number, zeros)) for number in range(width)]

    def between(self, since: tuple[RunningSums, Integers], until: Integers) -> tuple[Floats, Floats]:
        """The sum of the first `until` terms less a sum of first terms of another object, as two floats each.

        `since` is that object and its numbers of terms. It has the same terms, in the same or another order, and so the
        same limbs.
        """
        other, counts = since
        carry = np.zeros(len(until), dtype=np.int64)
        limbs: list[Integers] = []
        for own, others in zip(self.limbs, other.limbs, strict=True):
            part = own[until] - others[counts] + carry
            carry = part >> _BITS
            limbs.append(part & _MASK)
        high, low = _join([*limbs, carry], math.ldexp(1.0, LOWEST + self.first * _BITS))
        return np.asarray(high), np.asarray(low)

    def whole_between(self, since: tuple[RunningSums, Integers], until: Integers) -> list[int]:
        """The sums of `between` as whole numbers, in units of 2^LOWEST. Slow: for a few rows."""
        other, counts = since
        sums = [0] * len(until)
        for number, (own, others) in enumerate(zip(self.limbs, other.limbs, strict=True), self.first):
            for row, part in enumerate((own[until] - others[counts]).tolist()):
                sums[row] += part << (number * _BITS)
        return sums


def _split(values: Floats) -> dict[int, Integers]:
    """The values as limbs: the number of each limb that is not zero everywhere, and its column."""
    if (np.abs(values) < 2.0**_BITS).all() and (values == np.rint(values)).all():  # like most columns
        return {-LOWEST // _BITS: values.astype(np.int64)}
    mantissa, exponent = np.frexp(values)
    whole = (mantissa * 2.0**53).astype(np.int64)
    shift = exponent.astype(np.int64) - 53 - LOWEST
    whole[shift < 0] = 0
    limb, bits = np.divmod(np.where(whole == 0, 0, shift), _BITS)
    low, high = (whole & _MASK) << bits, (whole >> _BITS) << bits
    parts = [low & _MASK, (low >> _BITS) + (high & _MASK), high >> _BITS]
    used = limb[whole != 0]
    numbers = {int(number) + step for number in np.unique(used) for step in range(3)}
    limbs = {}
    for number in numbers:
        column = np.zeros(len(values), dtype=np.int64)
        for step, part in enumerate(parts):
            is_in_limb = limb == number - step
            column[is_in_limb] += part[is_in_limb]
        if column.any():
            limbs[number] = column
    return limbs


def _running(terms: Integers) -> Integers:
    sums = np.zeros(len(terms) + 1, dtype=np.int64)
    np.cumsum(terms, out=sums[1:])
    return sums


# ---- both: the same operations on floats and on arrays of them, so that the results are equal bit by bit -----------


def _join(limbs: Sequence[Any], unit: float) -> tuple[Any, Any]:
    """The number with these limbs (the last is signed), by Horner's rule; and the sum of the rounding errors."""
    value, rest = limbs[-1] * 1.0, limbs[-1] * 0.0
    for limb in reversed(limbs[:-1]):
        value, lost = add(value * _BASE, limb * 1.0)
        rest = rest * _BASE + lost
    return value * unit, rest * unit


def add(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b rounded, and the rounding error (Knuth's two-sum)."""
    total = a + b
    share = total - a
    return total, (a - (total - share)) + (b - share)


def multiply(a: Any, b: Any) -> tuple[Any, Any]:
    """a · b rounded, and the rounding error (Dekker's product, with Veltkamp's splitting)."""
    product = a * b
    scaled = _SPLITTER * a
    a_high = scaled - (scaled - a)
    scaled = _SPLITTER * b
    b_high = scaled - (scaled - b)
    a_low, b_low = a - a_high, b - b_high
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
