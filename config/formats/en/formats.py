"""How dates are written in English: the day first and the month in letters, so that nobody reads one for the other."""

DATE_FORMAT = "j M Y"
SHORT_DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y H:i"
