"""Databases that commit: the shop of the data map's tests for what rules and holds do to real tables, and the sample
platform, on which two companies have rows in every collection."""

from tests.datamap.conftest import shop, shop_template
from tests.subject_requests.conftest import platform

__all__ = ["platform", "shop", "shop_template"]
