"""The product's own baseline: a calendar profile, a level that adapts, a band of the errors it would have made.

Counts are put on a log scale whose offset is a third of the typical value. The season is a robust
mean per hour of the day plus what each day of the week adds to it, both drawn towards zero by as
much as the history leaves them in doubt; inside the hour only what repeats is kept. What remains
is a level, less its steady drift if it has one, foretold by its last hour and two decaying means
with weights learned for each distance ahead. The band is the empirical quantiles of the errors
such forecasts made within the window, each from a season that its own day had no part in, scaled
by how noisy that hour of the day is and widened by how few independent errors there were.
`expected` is the median of what was to come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.baselines.calendar_profile import Season, learn_season
from analytics.baselines.clock import NS_PER_S, Floats, Ints, Times
from analytics.baselines.layout import Scale, Shape, block_means, laid_out, local_cells, scale_of
from analytics.baselines.model import Bands, Window
from analytics.baselines.robust import MAD_TO_SIGMA, decaying_mean, median, nan_mean, quantiles
from analytics.errors import InputError

HALF_LIVES_HOURS = (2.0, 24.0)  # what happens now, and the day
SLOWEST_BLOCKS = 8.0  # for metrics that come a few times a day or less
RIDGE = 4.0  # observations' worth of doubt about the weights of the level
KNOTS = (1, 3, 8, 24, 72, 168)  # blocks ahead at which errors are measured; between them the log of the distance counts
DOUBT = 8.0  # season, level and tails are learned too: n independent errors make the band 1 + 8 / (8 + n) as wide
DOUBT_OF_DAYS = 14.0  # the same of metrics read once a day: their bands then hold 0.94 of ten real series' days
STEP_WEIGHTS = (0.15, 0.3, 0.6)  # of the newest cell, one step ahead
ONE_SIGMA = (0.158655, 0.841345)
WEEK = 7
FEWEST_CHANGES = 4  # from week to week, to see a drift by
PERSISTENCE = 3.0  # days that share their luck
CERTAIN = 3.0  # standard errors below which a drift is chance
MEDIAN_ERROR = 1.2533 * MAD_TO_SIGMA  # standard error of a median times the root of the count, from the MAD
THIN = 4  # cells an hour that errors are counted at: neighbours hardly differ
ENOUGH = 3000  # cells below which all count
HEAVIEST = 3.0  # sum of the weights of the level: more is learned only where there is next to no level
LAST_DAYS = 3  # whose median a day is held against
FAR = 9.0  # robust deviations from it beyond which one day says nothing of the next
NARROWEST = 1e-9  # relative width, so that the rounding of a logarithm is no deviation


@dataclass(frozen=True)
class ProfileModel:
    """What `fit_profile` learned; arrays on the scale of the errors.

    Attributes:
        window: what was learned from.
        shape: how it is cut.
        scale: to and from the metric's unit.
        drift: shape (n_series, 1), steady change a day.
        season: what the calendar adds.
        rest: shape (n_series, cells), residuals of the window from the season.
        level: shape (n_series, blocks), their means per block.
        noise: shape (n_series, blocks a day), relative size of the errors by block of the day.
        state: shape (n_series, blocks, 3), the level's last block and decaying means.
        tails: shares of the errors below and above the band.
        lead_hours: see `fit_profile`.
    """

    window: Window
    shape: Shape
    scale: Scale
    drift: Floats
    season: Season
    rest: Floats
    level: Floats
    noise: Floats
    state: Floats
    tails: tuple[float, float]
    lead_hours: float

    def predict(self, times: Times) -> Bands:
        """Look ahead from the end of the window: errors and the pull of the level are those measured that far ahead."""
        since = times.astype(np.int64) - self.window.times[-1].astype(np.int64)
        ahead = np.maximum(since / (NS_PER_S * self.window.step_s), 1.0)
        at, learned = self._knots(float(ahead.max()) if ahead.size else 1.0)
        spread = _between(np.log(at), learned, np.log(ahead))
        return self._bands(np.maximum(local_cells(self.window, times), 0), spread[..., 0], spread[..., 1:])

    def follow(self, times: Times, values: Floats) -> Bands:
        """Judge a block: the level is what was known `lead_hours` before each hour began, or one cell before."""
        cell = local_cells(self.window, times)
        inner, held = self.shape.inner, self.shape.n_blocks
        count = int(cell.max()) // inner + 1 if cell.size else 1
        laid = np.full((values.shape[0], count * inner), np.nan)
        laid[:, cell] = self.scale.forth(values) - self._drifted(cell)
        season = self.season.at(self.shape, held + np.arange(count))
        if self.lead_hours == 0 and inner > 1:
            fine = np.tile(self.season.fine, (1, -(-count // self.shape.blocks)))[:, : laid.shape[1]]
            rest = laid - np.repeat(season, inner, axis=1) - fine
            level, errors = self._one_step(np.concatenate([self.rest, rest], axis=1))
            known = level[:, self.rest.shape[1] - 1 + cell]
        else:
            lead = self._lead()
            weights, errors = self._learned(lead)
            level = np.concatenate([self.level, block_means(laid, inner) - season], axis=1)
            level = _drawn_in(level, self.shape)
            source = np.maximum(held + cell // inner - lead, 0)
            known = np.einsum("snf,sf->sn", _states(level, self.shape)[:, source], weights)
        return self._bands(cell, known, np.broadcast_to(errors[:, None, :], (*known.shape, errors.shape[1])))

    @property
    def stays(self) -> int:
        """Cells that an answer of `follow` holds for: one when the level moves with each cell, else a block."""
        return 1 if self.lead_hours == 0 else self.shape.inner

    def _lead(self) -> int:
        lead = max(1, round(self.lead_hours * self.shape.blocks / 24))
        return lead if self._usable(lead) else 1

    def _usable(self, knot: int) -> bool:
        return knot == 1 or self.shape.n_blocks - knot >= 2 * self.shape.blocks

    def _drifted(self, cell: Ints) -> Floats | float:
        """What the steady change has added at cells counted from the end of the window."""
        return self.drift * ((cell + 0.5) / self.shape.per_day) if self.drift.any() else 0.0

    def _knots(self, far: float) -> tuple[Floats, Floats]:
        """Distances in cells, shape (k,), and what was learned there, (k, n_series, 6): level, then five quantiles."""
        inner = self.shape.inner
        at, found = [], []
        if inner > 1:
            level, errors = self._one_step(self.rest)
            at, found = [1.0], [np.concatenate([level[:, -1:], errors], axis=1)]
        for knot in KNOTS:
            if self._usable(knot) and (not at or at[-1] + inner / 2 < far):
                weights, errors = self._learned(knot)
                now = np.einsum("sf,sf->s", self.state[:, -1], weights)
                at.append((knot - 0.5) * inner + 0.5)
                found.append(np.concatenate([now[:, None], errors], axis=1))
        return np.array(at), np.stack(found)

    def _learned(self, knot: int) -> tuple[Floats, Floats]:
        """Weights of the level `knot` blocks ahead, (n_series, 3), and quantiles of the errors, (n_series, 5)."""
        first = min(self.shape.blocks, max(self.shape.n_blocks - knot - 1, 0))
        state = self.state[:, first : self.shape.n_blocks - knot]
        target = self.level[:, first + knot :]
        weights = _ridge(state, target)
        foretold = np.einsum("snf,sf->sn", state, weights)
        inner = self.shape.inner
        rest = self.rest[:, (first + knot) * inner :].reshape(*target.shape, inner)[:, :, :: self._thin()]
        column = np.arange(first + knot, self.shape.n_blocks) % self.shape.blocks
        errors = (rest - foretold[:, :, None]) / self.noise[:, column, None]
        if self.shape.blocks == 1:
            errors = _without_far(errors)
        found = self._quantiles(errors.reshape(rest.shape[0], -1))
        doubt = DOUBT if self.shape.blocks > 1 else DOUBT_OF_DAYS
        certain = _independent(target - foretold, self.shape.blocks, known_week=self.shape.days >= 2 * WEEK)
        wider = 1.0 + (doubt / (doubt + certain))[:, None]
        return weights, found[:, 2:3] + wider * (found - found[:, 2:3])

    def _one_step(self, rest: Floats) -> tuple[Floats, Floats]:
        """Level after each cell of `rest`, and quantiles (n_series, 5) of the window's errors one cell ahead.

        Of three weights of the newest cell each series takes the one whose errors were smallest.
        """
        held = self.rest.shape[1]
        first = min(self.shape.per_day, held // 2)
        noise = np.tile(np.repeat(self.noise, self.shape.inner, axis=1), (1, self.shape.days))
        every = slice(first, held, self._thin())
        levels, errors, sizes = [], [], []
        for weight in STEP_WEIGHTS:
            level = decaying_mean(rest, -np.log(2) / np.log1p(-weight))
            before = slice(first - 1, held - 1, self._thin())
            error = (self.rest[:, every] - level[:, before]) / noise[:, every]
            levels.append(level)
            errors.append(error)
            sizes.append(nan_mean(np.abs(error)))
        best = np.argmin(np.stack(sizes), axis=0)
        row = np.arange(best.size)
        return np.stack(levels)[best, row], self._quantiles(np.stack(errors)[best, row])

    def _thin(self) -> int:
        return max(1, self.shape.inner // THIN) if self.rest.shape[1] > ENOUGH else 1

    def _quantiles(self, errors: Floats) -> Floats:
        """Lower tail, minus one sigma, median, plus one sigma, upper tail; shape (n_series, 5)."""
        shares = np.array([self.tails[0], ONE_SIGMA[0], 0.5, ONE_SIGMA[1], self.tails[1]])
        return np.asarray(quantiles(errors, shares).T)

    def _bands(self, cell: Ints, level: Floats, errors: Floats) -> Bands:
        block = cell // self.shape.inner
        season = self.season.at(self.shape, self.shape.n_blocks + block)
        middle = season + self.season.fine[:, cell % self.shape.per_day] + level + self._drifted(cell)
        noise = self.noise[:, block % self.shape.blocks]
        low, below, mid, above, high = (self.scale.back(middle + noise * errors[..., i]) for i in range(5))
        least = NARROWEST * (np.abs(mid) + np.nan_to_num(self.scale.offset))
        size = np.isfinite(self.window.values).sum(axis=1)[:, None]
        return Bands(mid, low - least, high + least, (above - below) / 2, np.broadcast_to(size, mid.shape))


def _independent(errors: Floats, blocks: int, *, known_week: bool = False) -> Floats:
    """How many independent errors there are, shape (n_series,), between one a day and one a block.

    Of a metric read once a day, what its weekdays took from them is no error left. Errors that a whole day shares
    vary from day to day as much as from hour to hour.
    """
    days = max(errors.shape[1] // blocks, 1)
    used = errors[:, -days * blocks :]
    if blocks == 1 or errors.shape[1] < 2 * blocks:
        known = np.isfinite(used if blocks == 1 else used[:, :blocks]).sum(axis=1) / blocks
        return np.asarray(np.maximum(known - (WEEK if known_week else 0), 1.0))
    known = np.maximum(np.isfinite(used).reshape(-1, days, blocks).any(axis=2).sum(axis=1), 1)
    single, shared = nan_mean(used**2), nan_mean(block_means(used, blocks) ** 2)
    return np.asarray(
        known * np.clip(np.divide(single, shared, out=np.ones_like(single), where=shared > 0), 1.0, blocks)
    )


def _drift(cells: Floats, shape: Shape) -> Floats:
    """Steady change a day, shape (n_series, 1): the median change of daily means from week to week, less its doubt.

    The same weekday is compared, or five rising days a week would be a drift. Zero unless the change is more than
    `CERTAIN` of its standard errors; a single jump is no drift, nor is what eleven days show less of.
    """
    daily = block_means(cells, shape.per_day)
    change = (daily[:, WEEK:] - daily[:, :-WEEK]) / WEEK
    if change.shape[1] < FEWEST_CHANGES:
        return np.zeros((cells.shape[0], 1))
    count = np.isfinite(change).sum(axis=1)
    usual = median(change)
    error = MEDIAN_ERROR * median(np.abs(change - usual[:, None])) / np.sqrt(np.maximum(count / PERSISTENCE, 1))
    known = (count >= FEWEST_CHANGES) & (usual != 0)
    doubt = np.divide(CERTAIN * error, usual, out=np.ones_like(usual), where=known) ** 2
    return np.where(known, usual * np.maximum(1.0 - doubt, 0.0), 0.0)[:, None]


def _without_far(errors: Floats) -> Floats:
    """Of a metric read once a day: a day further off than `FAR` says nothing of how far usual days stray.

    One purge doubled the band for the weeks that it stayed in the window.
    """
    flat = errors.reshape(errors.shape[0], -1)
    apart = np.abs(flat - median(flat)[:, None])
    far = FAR * MAD_TO_SIGMA * median(apart)[:, None]
    return np.where((far > 0) & (apart > far), np.nan, flat).reshape(errors.shape)


def _drawn_in(level: Floats, shape: Shape) -> Floats:
    """Of a metric read once a day: single days far from the median of the last three are taken at that median.

    A purge on one day is not what the next is expected to bring; a second such day is a new level. How far is far is
    measured in the window. Of metrics read more often no hour has such a weight.
    """
    if shape.blocks > 1 or level.shape[1] < LAST_DAYS:
        return level
    padded = np.concatenate([np.full((level.shape[0], LAST_DAYS - 1), np.nan), level], axis=1)
    usual = median(np.lib.stride_tricks.sliding_window_view(padded, LAST_DAYS, axis=1))
    apart = np.abs(level - usual)
    far = FAR * MAD_TO_SIGMA * median(apart[:, : shape.n_blocks])[:, None]
    return np.where(apart > far, usual, level)


def _states(level: Floats, shape: Shape) -> Floats:
    """What is known of the level after each block, (n_series, n, 3): the last block, fast and slow decaying mean."""
    slow = max(HALF_LIVES_HOURS[1] * shape.blocks / 24, SLOWEST_BLOCKS)
    fast = decaying_mean(level, HALF_LIVES_HOURS[0])
    return np.stack([np.where(np.isfinite(level), level, fast), fast, decaying_mean(level, slow)], axis=-1)


def _ridge(x: Floats, y: Floats) -> Floats:
    """Least squares of y (n_series, n) on columns x (n_series, n, k), drawn a little towards zero; NaN left out."""
    known = np.isfinite(y)
    if not known.all():
        x, y = np.where(known[..., None], x, 0.0), np.where(known, y, 0.0)
    across = x.transpose(0, 2, 1)
    gram = across @ x
    size = np.einsum("sff->sf", gram)
    largest = size.max(axis=1, keepdims=True)
    doubt = RIDGE / max(x.shape[1], 1) * size + 1e-12 * largest + (largest == 0)
    gram = gram + doubt[:, :, None] * np.eye(x.shape[2])
    weights = np.linalg.solve(gram, across @ y[..., None])[..., 0]
    total = np.abs(weights).sum(axis=1, keepdims=True)
    return np.asarray(weights * np.minimum(1.0, HEAVIEST / np.maximum(total, HEAVIEST)))


def _between(knots: Floats, learned: Floats, at: Floats) -> Floats:
    """Linear interpolation of learned (n_knots, n_series, k) to (n_series, n, k); constant outside."""
    if knots.size == 1:
        return np.broadcast_to(learned[0][:, None, :], (learned.shape[1], at.size, learned.shape[2]))
    low = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, knots.size - 2)
    part = np.clip((at - knots[low]) / (knots[low + 1] - knots[low]), 0.0, 1.0)[:, None, None]
    return np.asarray((learned[low] * (1 - part) + learned[low + 1] * part).transpose(1, 0, 2))


def fit_profile(
    window: Window, *, coverage: float = 0.95, lead_hours: float = 24.0, transform: str = "auto"
) -> ProfileModel:
    """Learn season, level and errors of every series of a window.

    Args:
        window: any length; below two days there is no season, below fourteen no day of the week.
        coverage: share of normal values the band is to hold.
        lead_hours: in `follow`, how long before an hour the level it is judged by was known.
            Longer keeps an incident from becoming its own baseline; shorter is closer; 0 follows
            every cell.
        transform: `auto`, `log` (values must not be negative) or `none`.
    Raises:
        InputError: a negative lead, or a transform that does not exist or fit.
    """
    if not lead_hours >= 0:
        raise InputError(f"lead_hours {lead_hours!r}: expected 0 or more")
    cells, shape = laid_out(window)
    scale = scale_of(cells, shape.inner, transform)
    scaled = scale.forth(cells)
    drift = _drift(scaled, shape)
    if drift.any():
        scaled = scaled - drift * ((np.arange(scaled.shape[1]) - scaled.shape[1] + 0.5) / shape.per_day)
    season, rest = learn_season(scaled, shape)
    level = block_means(rest, shape.inner)
    tail = (1 - coverage) / 2
    state = _states(_drawn_in(level, shape), shape)
    return ProfileModel(
        window, shape, scale, drift, season, rest, level, _noise(rest, shape), state, (tail, 1 - tail), lead_hours
    )


def _noise(rest: Floats, shape: Shape) -> Floats:
    """Relative size of the residuals by block of the day, shape (n_series, blocks), drawn half-way to 1."""
    size = np.abs(rest).reshape(rest.shape[0], shape.days, shape.blocks, shape.inner)
    by_block = nan_mean(nan_mean(size, axis=3), axis=1)
    usual = nan_mean(by_block)[:, None]
    return 0.5 + 0.5 * np.divide(by_block, usual, out=np.ones_like(by_block), where=(usual > 0) & np.isfinite(by_block))
