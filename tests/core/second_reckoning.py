"""Deadlines a second time, by another way: numbers of days, own calendar, own tables of holidays, own summer time.

Uses nothing of the portal, no `holidays`, no `dateutil`, no `zoneinfo`; written from the law, to disagree with
`apps.core.deadlines` wherever one of the two is wrong.
"""

from functools import cache

SATURDAY, SUNDAY = 5, 6
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Hours ahead of UTC in winter
WINTER = {"NL": 1, "DE": 1, "FR": 1, "UK": 0, "IE": 0}


def is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_length(year, month):
    return 29 if month == 2 and is_leap(year) else MONTH_DAYS[month - 1]


@cache
def first_of_year(year):
    """Day number of 1 January; day 0 is 1 January 1970, a Thursday."""
    before = year - 1
    return 365 * (year - 1970) + (before // 4 - before // 100 + before // 400) - (1969 // 4 - 1969 // 100 + 1969 // 400)


@cache
def number(year, month, day):
    return first_of_year(year) + sum(month_length(year, earlier) for earlier in range(1, month)) + day - 1


@cache
def civil(day):
    """Year, month and day of a day number."""
    year = 1970 + day // 366
    while first_of_year(year + 1) <= day:
        year += 1
    rest, month = day - first_of_year(year), 1
    while rest >= month_length(year, month):
        rest -= month_length(year, month)
        month += 1
    return year, month, rest + 1


def weekday(day):
    return (day + 3) % 7  # 1970-01-01 was a Thursday


def easter(year):
    """Butcher's rule for Easter Sunday."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    f = (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    j = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * j) // 451
    month, day = divmod(h + j - 7 * m + 114, 31)
    return number(year, month, day + 1)


def nth(year, month, wanted, count):
    """The count-th such weekday of a month; count -1: the last."""
    if count == -1:
        last = number(year, month, month_length(year, month))
        return last - (weekday(last) - wanted) % 7
    first = number(year, month, 1)
    return first + (wanted - weekday(first)) % 7 + 7 * (count - 1)


def dutch(year, good_friday=False):
    """Algemene termijnenwet, 3(1): Good Friday is not in it, 5 May is in it every year."""
    king = number(year, 4, 27)
    sunday = easter(year)
    days = {number(year, 1, 1), sunday + 1, king - 1 if weekday(king) == SUNDAY else king, number(year, 5, 5),
            sunday + 39, sunday + 50, number(year, 12, 25), number(year, 12, 26)}  # fmt: skip
    return days | ({sunday - 2} if good_friday else set())


def german(year):
    sunday = easter(year)
    return {number(year, 1, 1), sunday - 2, sunday + 1, number(year, 5, 1), sunday + 39, sunday + 50,
            number(year, 10, 3), number(year, 12, 25), number(year, 12, 26)}  # fmt: skip


def french(year):
    sunday = easter(year)
    fixed = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
    return {number(year, *day) for day in fixed} | {sunday + 1, sunday + 39, sunday + 50}


def irish(year):
    brigid = number(year, 2, 1) if weekday(number(year, 2, 1)) == 4 else nth(year, 2, 0, 1)
    days = {number(year, 1, 1), number(year, 3, 17), easter(year) + 1, nth(year, 5, 0, 1), nth(year, 6, 0, 1),
            nth(year, 8, 0, 1), nth(year, 10, 0, -1), number(year, 12, 25), number(year, 12, 26)}  # fmt: skip
    if year >= 2023:
        days.add(brigid)
    if year == 2022:
        days.add(number(2022, 3, 18))  # remembrance of those who died of Covid-19, once
    return days


def english(year):
    sunday = easter(year)
    days = {sunday - 2, sunday + 1, nth(year, 8, 0, -1)}
    days.add(number(2020, 5, 8) if year == 2020 else nth(year, 5, 0, 1))  # moved for the 75th VE Day
    days |= {number(2022, 6, 2), number(2022, 6, 3), number(2022, 9, 19)} if year == 2022 else {nth(year, 5, 0, -1)}
    if year == 2023:
        days.add(number(2023, 5, 8))
    for fixed in ((1, 1), (12, 25), (12, 26)):
        day = number(year, *fixed)
        while weekday(day) >= SATURDAY or day in days:  # the next free weekday stands in
            day += 1
        days.add(day)
    return days


TABLES = {"NL": dutch, "DE": german, "FR": french, "IE": irish, "UK": english}


@cache
def holidays(jurisdiction, year):
    return frozenset(TABLES[jurisdiction](year))


def is_working(day, jurisdiction):
    return weekday(day) < SATURDAY and day not in holidays(jurisdiction, civil(day)[0])


def rolled(day, jurisdiction):
    return day if is_working(day, jurisdiction) else rolled(day + 1, jurisdiction)


def working_days_later(day, count, jurisdiction):
    while count:
        day += 1
        count -= is_working(day, jurisdiction)
    return day


@cache
def summer(year):
    """Summer time in all five: from 01:00 UTC on the last Sunday of March to 01:00 UTC on that of October."""
    return [nth(year, month, SUNDAY, -1) * 86400 + 3600 for month in (3, 10)]


def hours_ahead(seconds, jurisdiction):
    starts, ends = summer(civil(seconds // 86400)[0])
    return WINTER[jurisdiction] + (starts <= seconds < ends)


def months_later(day, count):
    year, month, day_of_month = civil(day)
    for _ in range(count):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return number(year, month, min(day_of_month, month_length(year, month)))


def reckon(seconds, jurisdiction, pauses, extended):
    """Day numbers of receipt, unrolled and rolled end, and the UTC second at which it ends.

    `seconds` since 1970 in UTC; `pauses` are (kind, day asked, day received).
    """
    received = (seconds + 3600 * hours_ahead(seconds, jurisdiction)) // 86400
    length = 3 if extended else 1
    start = received
    for _, asked, came in sorted((p for p in pauses if p[0] == "identity_uk"), key=lambda p: p[1:]):
        if asked <= rolled(months_later(start, length), jurisdiction):
            start = max(start, came)
    nominal = months_later(start, length)
    out = set()  # the days that do not count
    for kind, asked, came in sorted((p for p in pauses if p[0] != "identity_uk"), key=lambda p: p[1:]):
        if asked > rolled(nominal + len(out), jurisdiction):
            continue
        if kind == "identity_eu" and asked > working_days_later(received, 3, jurisdiction):
            continue
        out |= set(range(max(asked, start), came + 1 if kind == "clarification_uk" else came))
    unrolled = nominal + len(out)
    end = rolled(unrolled, jurisdiction)
    midnight = (end + 1) * 86400
    guess = midnight - 3600 * WINTER[jurisdiction]
    # none of the zones changes its clock at midnight, so an hour around it has one offset
    return received, unrolled, end, midnight - 3600 * hours_ahead(guess - 3600, jurisdiction)
