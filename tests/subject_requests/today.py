"""The beginning of the day the tests run on: the sample platform is filled up to it, and a plan depends on the day."""

from apps.core import clock

NOW = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
