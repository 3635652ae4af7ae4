"""Sums that do not depend on the order of their terms, to the last bit.

A window's sum is the difference of two running sums. In floating point that leaves a rest that depends on everything
before the window; so running sums are kept as whole numbers: multiples of 2^LOWEST, which hold every float between
1e-80 and 1e300 exactly (smaller ones count as 0). The server keeps Python's integers; training keeps the same number
as columns of 32 bits each ("limbs"). Both turn it into a float by the same steps, so both give the same float.
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
    """`value` in units of 2^LOWEST; 0 where it is finer than that."""
    mantissa, exponent = math.frexp(value)
    shift = exponent - 53 - LOWEST
    return int(mantissa * 2.0**53) << shift if shift >= 0 else 0


def to_double(whole: int) -> tuple[float, float]:
    """The number as two floats, the first the number itself to some units in its last place, the second the rest."""
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
    """Sums over any stretch of a column, exact.

    `terms` are added up from the first on; `between` takes the difference of two places. A sum may have up to 2^30
    terms; what overflows on the way to them does not matter, as it does so on both sides of the difference.
    """

    def __init__(self, *terms: Floats) -> None:
        parts: dict[int, Integers] = {}
        for column in terms:
            for limb, part in _split(column).items():
                parts[limb] = parts[limb] + part if limb in parts else part
        self.first = min(parts, default=0)
        width = max(parts, default=0) - self.first + 1
        none = np.zeros(len(terms[0]), dtype=np.int64)
        self.limbs = [_running(parts.get(self.first + number, none)) for number in range(width)]

    def between(self, since: tuple[RunningSums, Integers], until: Integers) -> tuple[Floats, Floats]:
        """The sums of the first `until` terms here less those of the first `since` terms there, as two floats each.

        Both hold the same terms, perhaps in another order, so they have the same limbs.
        """
        other, places = since
        carry = np.zeros(len(until), dtype=np.int64)
        limbs: list[Integers] = []
        for here, there in zip(self.limbs, other.limbs, strict=True):
            part = here[until] - there[places] + carry
            carry = part >> _BITS
            limbs.append(part & _MASK)
        high, low = _join([*limbs, carry], math.ldexp(1.0, LOWEST + self.first * _BITS))
        return np.asarray(high), np.asarray(low)


def _split(values: Floats) -> dict[int, Integers]:
    if (np.abs(values) < 2.0**_BITS).all() and (values == np.rint(values)).all():  # as most columns are
        return {-LOWEST // _BITS: values.astype(np.int64)}
    mantissa, exponent = np.frexp(values)
    whole = (mantissa * 2.0**53).astype(np.int64)
    shift = exponent.astype(np.int64) - 53 - LOWEST
    whole[shift < 0] = 0
    limb, bits = np.divmod(np.where(whole == 0, 0, shift), _BITS)
    low, high = (whole & _MASK) << bits, (whole >> _BITS) << bits
    parts = [low & _MASK, (low >> _BITS) + (high & _MASK), high >> _BITS]
    used = limb[whole != 0]
    places = {int(place) + step for place in np.unique(used) for step in range(3)}
    found = {}
    for place in places:
        column = np.zeros(len(values), dtype=np.int64)
        for step, part in enumerate(parts):
            here = limb == place - step
            column[here] += part[here]
        if column.any():
            found[place] = column
    return found


def _running(terms: Integers) -> Integers:
    sums = np.zeros(len(terms) + 1, dtype=np.int64)
    np.cumsum(terms, out=sums[1:])
    return sums


# ---- both: the same operations on floats and on arrays of them, so that the results are equal bit by bit -----------


def _join(limbs: Sequence[Any], unit: float) -> tuple[Any, Any]:
    """The number with these limbs (the last is signed), by Horner's rule, with what each step rounds off."""
    value, rest = limbs[-1] * 1.0, limbs[-1] * 0.0
    for limb in reversed(limbs[:-1]):
        value, lost = _add(value * _BASE, limb * 1.0)
        rest = rest * _BASE + lost
    return value * unit, rest * unit


def _add(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b rounded, and what was rounded off (Knuth's two-sum)."""
    total = a + b
    share = total - a
    return total, (a - (total - share)) + (b - share)


def multiply(a: Any, b: Any) -> tuple[Any, Any]:
    """a · b rounded, and what was rounded off (Dekker's product, with Veltkamp's splitting)."""
    product = a * b
    scaled = _SPLITTER * a
    a_high = scaled - (scaled - a)
    scaled = _SPLITTER * b
    b_high = scaled - (scaled - b)
    a_low, b_low = a - a_high, b - b_high
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def variance(count: Any, total: tuple[Any, Any], squares: tuple[Any, Any]) -> Any:
    """The sample variance of `count` numbers out of their sum and the sum of their squares, in doubled precision.

    (Σx² - (Σx)²/n) / (n - 1): in plain floats it loses everything where the mean is large beside the deviation.
    """
    high, low = multiply(total[0], total[0])
    low = low + 2.0 * total[0] * total[1]
    mean = high / count
    back, lost = multiply(mean, count)
    rest = (((high - back) - lost) + low) / count
    difference, error = _add(squares[0], -mean)
    return (difference + (error + squares[1] - rest)) / (count - 1.0)
