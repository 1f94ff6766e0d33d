"""Dates as people say them: the day first, the month in words, with the Arabic comma."""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = "j F Y، H:i"
TIME_FORMAT = "H:i"

# The digits of the CLDR's `ar` with its separators: 1,234.5.
DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
