"""Special functions of Python floats: the meaning of words and of ops that NumPy has no name for.

One element at a time, obvious rather than fast, and written apart from what kernels do, so that
each can judge the other.
"""

from __future__ import annotations

import math

BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)
EPSILON = 2.0**-53
TERMS = 1_000_000  # more than a series takes while its argument is below 1e10
LARGE = 1e8
MOST_NEGATIVE = -745.2  # below it, exp is 0


def _is_pole(x: float) -> bool:
    return x <= 0 and not math.isinf(x) and x == math.floor(x)


def lgamma(x: float) -> float:
    """log(|gamma(x)|); infinite at 0 and the negative integers."""
    return math.inf if _is_pole(x) or math.isinf(x) else math.lgamma(x)


def digamma(x: float) -> float:
    """The derivative of lgamma; NaN at 0 and the negative integers."""
    x = float(x)
    if _is_pole(x) or math.isnan(x) or x == -math.inf:
        return math.nan
    if x < 0:
        return digamma(1 - x) - math.pi / math.tan(math.pi * math.remainder(x, 1))
    if math.isinf(x):
        return x
    below = []
    while x < 12:
        below.append(-1 / x)
        x += 1
    series = [-b / (2 * k) * x ** (-2 * k) for k, b in enumerate(BERNOULLI, 1)] if x < 1e9 else []
    return math.fsum([math.log(x), -0.5 / x, *series, *below])


def zeta(s: float, q: float) -> float:
    """Hurwitz's zeta function, the sum of ``(q + k)**-s`` over k >= 0, for s > 1.

    Infinite at s = 1 and where q is 0 or a negative integer; NaN for s < 1, and for negative q
    unless s is an integer.  By Euler and Maclaurin's formula.
    """
    s, q = float(s), float(q)
    if math.isnan(s) or math.isnan(q) or s < 1 or math.isinf(s) or q == -math.inf:
        return math.nan
    if s == 1 or _is_pole(q):
        return math.inf
    if q < 0 and s != math.floor(s):
        return math.nan
    if math.isinf(q):
        return 0.0
    terms = []
    far = 12 + min(s, 60)
    while q < far:
        terms.append(_power(q, -s))
        q += 1
    terms += [_power(q, 1 - s) / (s - 1), _power(q, -s) / 2]
    rising, power = s, _power(q, -s - 1)
    for k, b in enumerate(BERNOULLI, 1):
        terms.append(b * rising * power / math.factorial(2 * k))
        rising *= (s + 2 * k - 1) * (s + 2 * k)
        power /= q * q
    terms = [t for t in terms if t == t]
    return math.fsum(terms) if all(map(math.isfinite, terms)) else sum(terms)


def _power(x: float, y: float) -> float:
    try:
        return x**y
    except OverflowError:
        return math.inf if x > 0 or y % 2 == 0 else -math.inf


def polygamma(n: float, x: float) -> float:
    """The n-th derivative of digamma; NaN unless n is 0, 1, 2 ..."""
    n, x = float(n), float(x)
    if n == 0:
        return digamma(x)
    if not 0 <= n < math.inf or n != math.floor(n):
        return math.nan
    factorial = math.exp(math.lgamma(n + 1)) if n <= 170 else math.inf
    return (-1 if n % 2 == 0 else 1) * factorial * zeta(n + 1, x)


def incomplete_gammas(a: float, x: float) -> tuple[float, float]:
    """The regularised incomplete gamma functions (lower, upper); their sum is 1.

    From 1e8 on by Temme's uniform expansion ("The asymptotic expansion of the incomplete gamma
    functions", 1979), whose second term is below the last digit there.
    """
    a, x = float(a), float(x)
    if math.isnan(a) or math.isnan(x) or a < 0 or x < 0:
        return math.nan, math.nan
    if a == 0:
        return (0.0 if x == 0 else math.nan), math.nan
    if x == 0 or math.isinf(a):
        return 0.0, 1.0
    if math.isinf(x):
        return 1.0, 0.0
    if a > LARGE:
        return _large_gammas(a, (x - a) / a, x)
    scale = gamma_scale(a, x)
    if x <= a + 1:
        lower = scale * _lower_series(a, x)
        return lower, 1 - lower
    upper = scale * _upper_fraction(a, x)
    return 1 - upper, upper


def _large_gammas(a: float, mu: float, x: float) -> tuple[float, float]:
    half = -log1p_less(mu, x / a)
    eta = math.copysign(math.sqrt(2 * half), mu)
    first = eta / 12 - 1 / 3 if abs(eta) < 1e-3 else 1 / mu - 1 / eta
    rest = math.exp(max(-a * half, MOST_NEGATIVE)) / math.sqrt(2 * math.pi * a) * first
    place = eta * math.sqrt(a / 2)
    return math.erfc(-place) / 2 - rest, math.erfc(place) / 2 + rest


def gamma_scale(a: float, x: float) -> float:
    """``x**a e**-x / gamma(a)``, also for large a, where its factors are out of range."""
    if a < 20:
        return math.exp(max(a * math.log(x) - x - math.lgamma(a), MOST_NEGATIVE))
    mu = (x - a) / a
    tail = sum(b / (2 * k * (2 * k - 1)) * a ** (1 - 2 * k) for k, b in enumerate(BERNOULLI[:6], 1))
    exponent = a * log1p_less(mu, x / a) - tail
    return math.sqrt(a / (2 * math.pi)) * math.exp(exponent) if exponent > MOST_NEGATIVE else 0.0


def log1p_less(mu: float, ratio: float) -> float:
    """``log(1 + mu) - mu``, also for small mu; ``ratio`` is 1 + mu."""
    if ratio == 0:
        return -math.inf
    if abs(mu) > 0.3:
        return math.log(ratio) - mu
    return math.fsum((-1) ** (k + 1) * mu**k / k for k in range(2, 40))


def _lower_series(a: float, x: float) -> float:
    """``sum of x**k / (a (a + 1) ... (a + k))``."""
    term = total = 1 / a
    for k in range(1, TERMS):
        term *= x / (a + k)
        total += term
        if term < EPSILON * total:
            break
    return total


def lower_slope(a: float, x: float) -> float:
    """The derivative of the lower function with respect to ``a``, for x <= a + 1, term by term:
    ``x**a e**-x / gamma(a + 1)`` times the sum of ``x**k / ((a + 1) ... (a + k))``."""
    term, inverse, total, slope = 1.0, 0.0, 1.0, 0.0
    for k in range(1, TERMS):
        term *= x / (a + k)
        inverse += 1 / (a + k)
        total += term
        slope -= term * inverse
        if term * inverse <= EPSILON * abs(slope):
            break
    scale = gamma_scale(a, x) / a if a >= 1 else math.exp(a * math.log(x) - x - math.lgamma(a + 1))
    return scale * (slope + total * (math.log(x) - digamma(a + 1)))


def _upper_fraction(a: float, x: float) -> float:
    """``1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...))``, from its far end."""
    value = 0.0
    count = 60 + int(10 * math.sqrt(a))
    for k in range(count, 0, -1):
        value = k * (a - k) / (x + 2 * k + 1 - a + value)
    return 1 / (x + 1 - a + value)


def betainc(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function; NaN outside ``a, b > 0, 0 <= x <= 1``."""
    a, b, x = float(a), float(b), float(x)
    if not (0 < a < math.inf and 0 < b < math.inf and 0 <= x <= 1):
        return math.nan
    if x in (0, 1):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - betainc(b, a, 1 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front += a * math.log(x) + b * math.log1p(-x)
    value = 0.0
    for m in range(500, 0, -1):
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        value = even / (1 + odd / (1 + value))
    first = -(a + b) * x / (a + 1)
    return math.exp(max(front, MOST_NEGATIVE)) / a / (1 + first / (1 + value))


def bessel_ie(order: int, x: float) -> float:
    """``exp(-|x|)`` times the modified Bessel function of the first kind, of order 0 or 1."""
    x = float(x)
    size = abs(x)
    if size != size:
        return x
    if size > 1e3:
        return math.copysign(_bessel_tail(order, size), x if order else 1.0)
    term = total = math.exp(-size) if size < 600 else 0.0
    log_half = math.log(size / 2) if size else 0.0
    if size:
        logs = [
            (2 * k + order) * log_half - math.lgamma(k + 1) - math.lgamma(k + order + 1) - size
            for k in range(int(size) + 60)
        ]
        total = math.fsum(math.exp(v) for v in logs if v > MOST_NEGATIVE)
    elif order:
        total = term * 0.0
    return math.copysign(total, x) if order else total


def _bessel_tail(order: int, size: float) -> float:
    if math.isinf(size):
        return 0.0
    mu, term, total = 4.0 * order * order, 1.0, 1.0
    for k in range(1, 12):
        term *= -(mu - (2 * k - 1) ** 2) / (8 * k * size)
        total += term
    return total / math.sqrt(2 * math.pi * size)
