"""The gateway whose stores can be taken away, shared with the tests of that."""

from tests.gateway.test_faults import fragile

__all__ = ["fragile"]
