"""The explicit table of addresses that no tenant may reach; pure functions, no look-up, no socket.

Sources: IANA's special-purpose registries for IPv4 and IPv6, RFC 5214 (ISATAP), and clouds' own service addresses.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

_IPV4: Final[tuple[tuple[IPv4Network, str], ...]] = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", 'an address of "this network"'),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's shared address"),
        ("127.0.0.0/8", "an address of the gateway's own machine"),
        ("168.63.129.16/32", "a cloud provider's service address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "an address reserved for protocols"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.31.196.0/24", "an address reserved for protocols"),
        ("192.52.193.0/24", "an address reserved for protocols"),
        ("192.88.99.0/24", "a 6to4 relay address"),
        ("192.168.0.0/16", "a private address"),
        ("192.175.48.0/24", "an address reserved for protocols"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("255.255.255.255/32", "the broadcast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
_IPV6_GLOBAL: Final = IPv6Network("2000::/3")
# Named only to say what was wrong: everything outside 2000::/3 is refused whether it is named here or not.
_IPV6: Final[tuple[tuple[IPv6Network, str], ...]] = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::1/128", "an address of the gateway's own machine"),
        ("::/128", "the unspecified address"),
        ("::ffff:0:0/96", "an IPv4 address inside an IPv6 one"),
        ("::ffff:0:0:0/96", "an IPv4 address inside an IPv6 one"),
        ("::/96", "an IPv4 address inside an IPv6 one"),
        ("64:ff9b::/96", "an IPv4 address inside an IPv6 one"),
        ("64:ff9b:1::/48", "an IPv4 address inside an IPv6 one"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
        ("2001::/23", "an address reserved for protocols"),
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "an IPv4 address inside an IPv6 one"),
        ("2620:4f:8000::/48", "an address reserved for protocols"),
        ("3fff::/20", "a documentation address"),
    )
)
# RFC 5214, section 6.1: the interface identifier of an ISATAP address, its universal bit set or not.
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})
_LOOPBACK: Final = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


def describe_refusal(address: Address) -> str:
    """What is wrong with an address as a few words ("a private address"); empty when it is on the public internet."""
    if isinstance(address, IPv4Address):
        return next((what for network, what in _IPV4 if address in network), "")
    if address.scope_id is not None:
        return "an address of one network interface"
    what = next((what for network, what in _IPV6 if address in network), "")
    if what or address not in _IPV6_GLOBAL:
        return what or "an address outside the public internet"
    return "an IPv4 address inside an IPv6 one" if int(address) >> 32 & 0xFFFFFFFF in _ISATAP else ""


def is_loopback(address: Address) -> bool:
    """Whether this is 127.0.0.0/8 or exactly ::1; other spellings of loopback do not count."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    return any(address in network for network in _LOOPBACK)


def read_address(text: str) -> Address | None:
    """The address that a text spells in the one normal way, or None."""
    try:
        return ip_address(text)
    except ValueError:
        return None
