"""Every address of the product, found by walking the resolver; knows nothing of who may use them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.urls import URLPattern, URLResolver, get_resolver

# allauth's own pages are one declared group: its names, below its one prefix.
ALLAUTH_PREFIX = "accounts/"


@dataclass(frozen=True, slots=True)
class Address:
    name: str
    route: str
    parameters: frozenset[str]

    @property
    def is_allauth(self) -> bool:
        return self.route.startswith(ALLAUTH_PREFIX)

    @property
    def is_api(self) -> bool:
        return self.route.startswith("api/")

    @property
    def is_console(self) -> bool:
        return "organisation" in self.parameters


@cache
def addresses() -> tuple[Address, ...]:
    return tuple(_walk(get_resolver(), "", "", frozenset()))


def _walk(resolver: URLResolver, route: str, names: str, parameters: frozenset[str]) -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        there = route + str(pattern.pattern)
        known = parameters | frozenset(pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLPattern):
            yield Address(f"{names}{pattern.name}", there, known)
        else:
            inner = f"{names}{pattern.namespace}:" if pattern.namespace else names
            yield from _walk(pattern, there, inner, known)
