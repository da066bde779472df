"""The height of the sun above the horizon, by the formula of NOAA's solar calculator. Pure."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

J2000 = 2451545.0
_UNIX_EPOCH = 2440587.5
_SECONDS_A_DAY = 86400.0
_DAYS_A_CENTURY = 36525.0
_MINUTES_A_DEGREE = 4.0
_MINUTES_A_DAY = 1440.0


def sun_height(
    seconds: "np.ndarray[Any, Any]",
    longitude: "np.ndarray[Any, Any]",
    latitude: "np.ndarray[Any, Any]",
) -> "np.ndarray[Any, Any]":
    """Return the height of the sun's centre in degrees, without refraction.

    `seconds` are those since 1970 in UTC, longitudes (east of Greenwich) and latitudes are in degrees. The
    formula is that of the spreadsheets of NOAA's Global Monitoring Laboratory, after J. Meeus, Astronomical
    Algorithms, 1991; between 1900 and 2100 its error is a few hundredths of a degree.
    """
    import numpy as np

    days = seconds / _SECONDS_A_DAY
    century = (days + _UNIX_EPOCH - J2000) / _DAYS_A_CENTURY
    declination, equation_of_time = _position(century)
    minutes = (days % 1) * _MINUTES_A_DAY
    true_solar_time = minutes + equation_of_time + _MINUTES_A_DEGREE * longitude
    hour_angle = np.radians(true_solar_time / _MINUTES_A_DEGREE - 180)
    place = np.radians(latitude)
    sine = np.sin(place) * np.sin(declination) + np.cos(place) * np.cos(declination) * np.cos(hour_angle)
    height: np.ndarray[Any, Any] = np.degrees(np.arcsin(np.clip(sine, -1, 1)))
    return height


def _position(century: "np.ndarray[Any, Any]") -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Return the sun's declination in radians and the equation of time in minutes.

    `century` is the time in Julian centuries since noon of 1 January 2000.
    """
    import numpy as np

    mean_longitude = np.radians((280.46646 + century * (36000.76983 + century * 0.0003032)) % 360)
    mean_anomaly = np.radians(357.52911 + century * (35999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre = (
        np.sin(mean_anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + np.sin(2 * mean_anomaly) * (0.019993 - 0.000101 * century)
        + np.sin(3 * mean_anomaly) * 0.000289
    )
    node = np.radians(125.04 - 1934.136 * century)
    apparent_longitude = mean_longitude + np.radians(centre - 0.00569 - 0.00478 * np.sin(node))
    seconds_of_arc = 21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))
    obliquity = np.radians(23 + (26 + seconds_of_arc / 60) / 60 + 0.00256 * np.cos(node))
    declination = np.arcsin(np.sin(obliquity) * np.sin(apparent_longitude))
    tangent = np.tan(obliquity / 2) ** 2
    equation = (
        tangent * np.sin(2 * mean_longitude)
        - 2 * eccentricity * np.sin(mean_anomaly)
        + 4 * eccentricity * tangent * np.sin(mean_anomaly) * np.cos(2 * mean_longitude)
        - 0.5 * tangent**2 * np.sin(4 * mean_longitude)
        - 1.25 * eccentricity**2 * np.sin(2 * mean_anomaly)
    )
    return declination, _MINUTES_A_DEGREE * np.degrees(equation)
