"""The gateway whose stores can be taken away, shared with the tests of that."""

from tests.gateway.faults.test_stores import fragile

__all__ = ["fragile"]
