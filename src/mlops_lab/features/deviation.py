"""The sample standard deviation, correctly rounded: the float that is nearest to the exact value.

Both functions start from exact sums: of the numbers, and of their squares. The server computes with Python's integers,
which takes some microseconds. Training has many windows: it computes them together in doubled precision, with a bound
of the error. Where the bound leaves two floats to choose from, it uses the integers too. (Ziv's strategy, ACM TOMS
1991, doi:10.1145/114697.116813.)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mlops_lab.features.exact import LOWEST, Floats, add, multiply

_ROOT_BITS = 64
_RELATIVE_ERROR = 2.0**-92
"""Of the sums and products below. Each has an error of at most 2^-98 of its value; the rest is margin."""
_MOST_EXACT = 2.0**26
"""Below it, count · (count - 1) is an exact float."""

Doubled = tuple[Floats, Floats]
"""Numbers in doubled precision: floats, and what is missing to the exact value."""


def exact_deviation(count: int, total: int, squares: int) -> float:
    """The standard deviation of at least two numbers, from their sum and the sum of their squares.

    √((n Σx² - (Σx)²) / (n (n - 1))). The sums are in units of 2^LOWEST. 0 where the numbers are so small that the
    units cannot express their squares.
    """
    numerator = (count * squares << -LOWEST) - total * total
    if numerator <= 0:
        return 0.0
    divisor = count * (count - 1)
    shift = 2 * _ROOT_BITS - numerator.bit_length() + divisor.bit_length()
    shift += shift % 2  # the root of an even power of two is one, too
    quotient, rest = divmod(numerator << max(shift, 0), divisor << max(-shift, 0))
    root = math.isqrt(quotient)
    is_cut = rest != 0 or root * root != quotient
    # one more bit says whether digits were cut off; with it, `float` rounds as if it saw them all
    return math.ldexp(float(root << 1 | is_cut), LOWEST - shift // 2 - 1)


def estimate_deviation(count: Floats, total: Doubled, squares: Doubled) -> tuple[Floats, NDArray[np.bool_]]:
    """The standard deviations of many windows, and whether each is certain to be the nearest float.

    An uncertain one must be computed with `exact_deviation`; the value of one of fewer than two numbers has no meaning.
    """
    with np.errstate(all="ignore"):  # whatever is not finite is uncertain
        product, below = multiply(squares[0], count)
        square, square_below = multiply(total[0], total[0])
        below = below + squares[1] * count - (square_below + 2.0 * total[0] * total[1])
        high, low = add(product, -square)
        high, low = add(high, low + below)
        divisor = count * (count - 1.0)
        variance, variance_below = _divide((high, low), divisor)
        root = np.sqrt(variance)
        back, back_below = multiply(root, root)
        root, rest = add(root, ((variance - back) - back_below + variance_below) / (2.0 * root))
        error = _RELATIVE_ERROR * (product / divisor) / root
        is_certain = (root + (rest + error) == root) & (root + (rest - error) == root) & (count < _MOST_EXACT)
    only_zeros = product == 0.0
    return np.where(only_zeros, 0.0, root), is_certain | only_zeros


def _divide(number: Doubled, divisor: Floats) -> Doubled:
    quotient = number[0] / divisor
    back, below = multiply(quotient, divisor)
    return quotient, ((number[0] - back) - below + number[1]) / divisor
