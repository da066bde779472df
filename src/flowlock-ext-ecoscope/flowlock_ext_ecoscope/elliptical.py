"""The elliptical time density of a trajectory on a raster.

J. A. Wall et al. (2014), Methods in Ecology and Evolution 5(8), 780-790, with the parameters of ecoscope
1.7.3, whose values it has. ecoscope integrates for each thousandth of a km/h alone, by an adaptive rule,
which is most of its time where subjects are fast; here Gauss' rule integrates for all of them together.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from flowlock_ext_ecoscope.types import GeoDataFrame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from ecoscope.io.raster import RasterProfile
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

# Speeds that differ by less, in km/h, have the same density.
STEP = 0.001
# Of Gauss' rule, in a part of an integral over which the integrand changes little.
NODES = 16
# Speeds whose integrals are in memory together: wrong fixes make thousands of km/h.
BLOCK = 50_000
METERS_A_KILOMETER = 1000
SECONDS_AN_HOUR = 3600


def elliptical_density(
    segments: GeoDataFrame, profile: "RasterProfile", *, top_speed: float, expansion: float
) -> "Floats":
    """Return the share of time in each pixel, by row and column; 0 for one whose centre no segment can reach.

    The extent of the profile becomes that of the segments in its CRS, `expansion` times as wide and high.
    `top_speed` is in km/h, above that of every segment. The distribution of speeds is fitted to the segments.
    """
    import numpy as np
    from scipy.stats import weibull_min

    shape, _, scale = weibull_min.fit(segments["speed_kmhr"], floc=0)
    speeds = np.arange(STEP, top_speed, STEP)
    expected = expected_densities(speeds, float(shape), float(scale), top_speed)
    projected = segments.to_crs(profile.crs)
    profile.raster_extent = _extent(projected, expansion)
    shares = np.zeros(profile.rows * profile.columns)
    for pixels, needed, hours in _reached(projected, profile, top_speed):
        densities = expected[np.digitize(needed, speeds[:-1])]
        total = densities.sum()
        if total > 0:
            shares[pixels] += densities / total / hours
    # All are 0 if pixels are larger than ellipses.
    raster: Floats = (shares / (shares.sum() or 1)).reshape(profile.rows, profile.columns)
    return raster


def expected_densities(speeds: "Floats", shape: float, scale: float, top_speed: float) -> "Floats":
    """Return the time density of a pixel, by the speed in km/h that is at least needed to pass it.

    It is 4 k λ⁻ᵏ/π ∫ exp(-(s/λ)ᵏ) sᵏ⁻² / √(s² - m²) ds from that speed m to the top speed, where k and λ
    are the shape and scale of a Weibull distribution.
    """
    import numpy as np

    blocks = np.array_split(speeds, np.arange(BLOCK, len(speeds), BLOCK))
    integrals = np.concatenate([_integrals(block, shape, scale, top_speed) for block in blocks])
    found: Floats = 4 * shape * scale**-shape / np.pi * integrals
    return found


def _integrals(speeds: "Floats", shape: float, scale: float, top_speed: float) -> "Floats":
    """Return the integrals for these speeds, by t with s = m cosh t: so the integrand has no pole.

    The larger the shape is, the faster the integrand changes with t, and the more parts there are.
    """
    import numpy as np

    ends = np.arccosh(np.maximum(top_speed / speeds, 1.0))
    parts = np.ceil(ends * max(shape, 1.0) / 2).astype(int)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    integrals = np.zeros(len(speeds))
    for number in np.unique(parts):
        here = np.flatnonzero(parts == number)
        lengths = ends[here] / number
        for part in range(number):
            t = np.multiply.outer(part + (nodes + 1) / 2, lengths)
            logarithms = np.log(speeds[here] * np.cosh(t))
            integrand = np.exp((shape - 2) * logarithms - np.exp(shape * (logarithms - np.log(scale))))
            integrals[here] += weights @ integrand * lengths / 2
    return integrals


def _extent(segments: GeoDataFrame, expansion: float) -> Any:
    from ecoscope.io.raster import RasterExtent

    left, bottom, right, top = segments.geometry.total_bounds
    width, height = ((expansion - 1) / 2 * size for size in (right - left, top - bottom))
    return RasterExtent(x_min=left - width, x_max=right + width, y_min=bottom - height, y_max=top + height)


def _reached(
    segments: GeoDataFrame, profile: "RasterProfile", top_speed: float
) -> "Iterator[tuple[NDArray[np.int64], Floats, float]]":
    """Yield each segment's ellipse: its pixels, the speeds in km/h that they need, and its hours."""
    import numpy as np
    from sklearn.neighbors import KDTree

    extent, size = profile.raster_extent, profile.pixel_size
    x = extent.x_min + size * (np.arange(profile.columns) + 0.5)
    y = extent.y_max - size * (np.arange(profile.rows) + 0.5)
    tree = KDTree(np.column_stack([axis.ravel() for axis in np.meshgrid(x, y)]))
    ends = np.stack([np.asarray(line.coords) for line in segments.geometry])
    hours = segments["timespan_seconds"].to_numpy() / SECONDS_AN_HOUR
    radii = top_speed * hours * METERS_A_KILOMETER
    starting = zip(*tree.query_radius(ends[:, 0], r=radii, return_distance=True), strict=True)
    ending = zip(*tree.query_radius(ends[:, 1], r=radii, return_distance=True), strict=True)
    for (near_start, from_start), (near_end, to_end), time in zip(starting, ending, hours, strict=True):
        pixels, first, second = np.intersect1d(near_start, near_end, return_indices=True)
        needed = (from_start[first] + to_end[second]) / METERS_A_KILOMETER / time
        possible = needed < top_speed
        yield pixels[possible], needed[possible], float(time)
