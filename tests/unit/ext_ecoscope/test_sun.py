"""The height of the sun, by NOAA's formula, against astropy's ephemeris."""

import numpy as np

from flowlock_ext_ecoscope.sun import sun_height

DEGREES = 0.1


def astropy_heights(seconds: "np.ndarray", longitude: "np.ndarray", latitude: "np.ndarray") -> "np.ndarray":
    """Return heights without refraction, and without any download."""
    from astropy import units
    from astropy.coordinates import AltAz, EarthLocation, get_sun
    from astropy.time import Time
    from astropy.utils import iers

    with (
        iers.conf.set_temp("auto_download", value=False),
        iers.conf.set_temp("iers_degraded_accuracy", "ignore"),
    ):
        times = Time(seconds, format="unix", scale="utc")
        places = EarthLocation.from_geodetic(longitude * units.deg, latitude * units.deg)
        heights = get_sun(times).transform_to(AltAz(obstime=times, location=places)).alt.deg
    return np.asarray(heights)


def test_the_sun_is_where_astropy_sees_it_at_500_places_and_times() -> None:
    random = np.random.default_rng(1)
    seconds = random.uniform(
        np.datetime64("1990-01-01", "s").astype(float), np.datetime64("2026-06-01", "s").astype(float), 500
    )
    longitude, latitude = random.uniform(-180, 180, 500), random.uniform(-90, 90, 500)
    # Polar day and night are among them.
    latitude[:100] = np.sign(latitude[:100]) * random.uniform(67, 90, 100)
    ours, theirs = sun_height(seconds, longitude, latitude), astropy_heights(seconds, longitude, latitude)
    assert np.abs(ours - theirs).max() < DEGREES
    # A control: the heights differ from each other, and an hour is not within the tolerance.
    assert np.ptp(theirs) > 100
    assert np.abs(sun_height(seconds + 3600, longitude, latitude) - theirs).max() > 10


def test_polar_day_and_night_have_no_sunset_and_no_sunrise() -> None:
    hours = np.arange(24) * 3600.0
    midsummer = np.datetime64("2024-06-21", "s").astype(float) + hours
    north, south = np.full(24, 80.0), np.full(24, -80.0)
    assert (sun_height(midsummer, np.zeros(24), north) > 0).all()
    assert (sun_height(midsummer, np.zeros(24), south) < 0).all()
