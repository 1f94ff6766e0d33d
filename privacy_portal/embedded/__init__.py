"""Real PostgreSQL and a real broker from wheels: what `make run` and the tests stand on.

Nothing in this package needs Django's settings.
"""

from privacy_portal.embedded.servers import Servers, throw_away

__all__ = ["Servers", "throw_away"]
