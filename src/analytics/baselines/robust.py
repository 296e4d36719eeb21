"""Order statistics and shrunken means along an axis, with NaN for what is missing; no loop over series."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from analytics.baselines.clock import Floats, Ints

MAD_TO_SIGMA = 1.4826


def quantiles(values: Floats, shares: Floats) -> Floats:
    """Linear (type 7) quantiles of the last axis without its NaN, shape (len(shares), ...); NaN where all is missing.

    >>> quantiles(np.array([[4.0, np.nan, 1.0, 2.0, 3.0]]), np.array([0.0, 0.5]))
    array([[1. ],
           [2.5]])
    """
    ordered = np.sort(values, axis=-1)
    shares = np.asarray(shares)
    if values.shape[-1] and not np.isnan(ordered[..., -1]).any():
        place = shares * (values.shape[-1] - 1)
        first = place.astype(np.int64)
        low, high = ordered[..., first], ordered[..., np.minimum(first + 1, values.shape[-1] - 1)]
        return np.moveaxis(low + (high - low) * (place - first), -1, 0)
    count = values.shape[-1] - np.isnan(ordered).sum(axis=-1)
    at = shares.reshape((-1,) + (1,) * count.ndim) * np.maximum(count - 1, 0)
    lower = at.astype(np.int64)
    upper = np.minimum(lower + 1, np.maximum(count - 1, 0))
    flat = ordered.reshape(-1, ordered.shape[-1])
    rows = np.arange(flat.shape[0]).reshape(count.shape)
    below, above = flat[rows, lower], flat[rows, upper]
    return np.asarray(below + (above - below) * (at - lower))


def median(values: Floats, axis: int = -1) -> Floats:
    """Median along `axis`, NaN left out; NaN where all is missing."""
    return np.asarray(quantiles(np.moveaxis(values, axis, -1), np.array([0.5]))[0])


def nan_mean(values: Floats, axis: int = -1) -> Floats:
    """Mean along `axis` without NaN; NaN where all is missing, and no warning about it."""
    mean = values.mean(axis=axis)
    if not np.isnan(mean).any():
        return np.asarray(mean)
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def shrunk_means(values: Floats, group: Ints, groups: int) -> tuple[Floats, Floats]:
    r"""Group means drawn towards zero, and the same without the observation's own part.

    $$\hat\mu_g = \frac{\sum_{i \in g} x_i}{n_g + k},\qquad k = \sigma^2 / \tau^2$$

    with $\sigma^2$ the variance within groups and $\tau^2$ what the variance of the group means
    exceeds their noise by: few observations or groups that hardly differ are drawn to zero.
    With one observation a group nothing is known of the noise, and every effect is zero.

    Args:
        values: shape (n_series, n); NaN is missing.
        group: shape (n,), 0 to groups - 1, the same for every series.
    Returns:
        Effects of shape (n_series, groups); and, of shape (n_series, n), the effect each
        observation's group would have without it: residuals from it are honest.
    References:
        Efron and Morris (1975), *Data Analysis Using Stein's Estimator and its Generalizations*.
    """
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    total = _group_sums(filled, group, groups)
    if known.all():
        count = np.broadcast_to(np.bincount(group, minlength=groups).astype(float), total.shape)
    else:
        count = _group_sums(known.astype(float), group, groups)
    mean = total / np.maximum(count, 1.0)
    own_mean, own_count, own_total = mean[:, group], count[:, group], total[:, group]
    spread = np.where(known, filled - own_mean, 0.0)
    seen = (count > 0).sum(axis=1)
    free = np.maximum(known.sum(axis=1) - seen, 1)
    noise = np.einsum("sn,sn->s", spread, spread) / free
    excess = (mean**2).sum(axis=1) - (noise[:, None] / np.maximum(count, 1.0) * (count > 0)).sum(axis=1)
    between = np.maximum(excess / np.maximum(seen, 1), 0.0)
    drawn = noise / np.maximum(between, 1e-6 * noise + 1e-300)
    effect = total / (count + drawn[:, None] + 1e-300) * (count.max(axis=1, keepdims=True) > 1)
    rest = own_count - 1.0
    without = np.where(rest > 0, (own_total - filled) / np.maximum(rest + drawn[:, None], 1e-300), 0.0)
    return effect, np.where(known, without, effect[:, group])


def _group_sums(values: Floats, group: Ints, groups: int) -> Floats:
    """Sums of the columns of each group, shape (n_series, groups)."""
    order = np.argsort(group, kind="stable")
    sizes = np.bincount(group, minlength=groups)
    present = np.flatnonzero(sizes)
    out = np.zeros((values.shape[0], groups))
    out[:, present] = np.add.reduceat(values[:, order], (np.cumsum(sizes) - sizes)[present], axis=1)
    return out


def decaying_mean(values: Floats, half_life: float) -> Floats:
    """Mean of all values up to each column with weights halved every `half_life` columns, NaN left out.

    Shape (..., n) in and out. Before the first value, and so long after the last that its weight
    is gone, the mean is 0: for residuals that is no deviation.

    >>> decaying_mean(np.array([0.0, 3.0, np.nan]), half_life=1.0)
    array([0., 2., 2.])
    """
    from scipy.signal import lfilter

    keep = 0.5 ** (1.0 / half_life)
    known = np.isfinite(values)
    top = lfilter([1.0], [1.0, -keep], np.where(known, values, 0.0), axis=-1)
    if known.all():
        total = _weights_so_far(half_life, values.shape[-1])
        top *= 1.0 - keep
        top[..., : total.size] /= total
        return np.asarray(top)
    weight = lfilter([1.0], [1.0, -keep], known.astype(float), axis=-1)
    return np.asarray(np.divide(top, weight, out=np.zeros_like(top), where=weight > 1e-200))


@lru_cache(maxsize=64)
def _weights_so_far(half_life: float, n: int) -> Floats:
    """Share of all weight that the first columns have, shape (at most n,); beyond 60 half-lives it is 1."""
    return np.asarray(1.0 - 0.5 ** (np.arange(1, min(n, int(60 * half_life) + 1) + 1) / half_life))
