"""The sample platform, on a database that commits."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def platform(committed_db: Any) -> Iterator[Any]:
    from tests.subject_requests.sample import sample_platform  # needs Django, which is not set up yet up there

    with sample_platform(committed_db) as one:
        yield one
