"""What servers tells the host: when a discovery last ended well, and how many servers failed at theirs."""

from collections.abc import Iterator

from accounts.operator.registry import Finding
from servers.access import sum_discoveries


def check_discoveries() -> Iterator[Finding]:
    """How discoveries go over all organisations: figures only."""
    found = sum_discoveries()
    if found.last is None:
        yield Finding(
            "Discovery", not found.failed, f"None has ended well yet; {found.failed} of {found.servers} failed."
        )
        return
    last = f"{found.last.day} {found.last:%b %Y, %H:%M}"
    text = f"The last one ended well on {last} UTC. {found.failed} of {found.servers} servers failed at theirs."
    is_ok = not found.servers or found.failed < found.servers
    yield Finding("Discovery", is_ok, text, is_partial=is_ok and found.failed > 0)
