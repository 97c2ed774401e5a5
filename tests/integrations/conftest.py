"""The same models as the tests of the service."""

from tests.app.conftest import server, shipped

__all__ = ["server", "shipped"]
