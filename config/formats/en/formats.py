"""Date formats for English: day first and the month in letters, so that nobody confuses day and month."""

DATE_FORMAT = "j M Y"
SHORT_DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y H:i"
