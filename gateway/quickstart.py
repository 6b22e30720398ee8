"""From nothing to a working grant in one step; every write goes through the services that pages use. Prints nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from secrets import token_urlsafe
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.http import Http404

from accounts.access import Member, member_of, organisations_for, user_for_email
from accounts.models import Organisation, Role, User
from accounts.services import NameRefusedError, create_organisation, create_verified_user
from accounts.tenancy import tenant
from gateway.quickstart_file import MintedToken, QuickstartFile
from policies.access import grant_for, policies_for, policy_for
from policies.errors import PolicyInvalidError, SavedTestsFailedError
from policies.models import Policy
from policies.services import create_policy, mint_grant, publish_policy
from policies.snippets import gateway_url_of
from policies.starts import Start, write_start
from servers.access import open_header, server_for, servers_for
from servers.checks import ServerInvalidError
from servers.models import DiscoveryStatus, Kind, Server
from servers.services import edit_server, register_server
from servers.tasks import discover_server

SIMULATOR: Final = "simulator"
POLICY_NAME: Final = "Quick start"
DISCOVERY_SECONDS: Final = 120
SHOWN_PROBLEMS: Final = 3


class QuickstartError(Exception):
    """Why nothing more was done, in one sentence."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for; None means the default: for the server the organisation's last, or else the simulator."""

    email: str | None = None
    organisation: str | None = None
    server: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    policy: str | None = None
    grant: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What there is now; the shape is a contract."""

    console_url: str
    email: str
    password: str = field(repr=False)
    organisation: str
    server_id: str
    policy_id: str
    grant_id: str
    gateway_url: str
    token: str = field(repr=False)


def run_quickstart(wanted: Wanted, folder: Path) -> Made:
    """Make what is missing and return all of it; what an earlier run made in this folder is found again.

    Publishes the policy given when it differs from the one in force, and mints a grant for a label that has none.
    Raises QuickstartError with what to mend; what was made until then stays, and the next run goes on from there.
    """
    with QuickstartFile.opened(folder) as file, told_plainly():
        email = (wanted.email or "you@example.com").lower()
        user = make_user(file, email)
        member = make_organisation(file, user, wanted.organisation or "Quick start")
        address = wanted.server or file.last_servers.get(str(member.organisation.id), SIMULATOR)
        server = make_server(file, member, address, wanted.headers)
        with tenant(member.organisation.id):
            policy = make_policy(file, member, server, wanted.policy)
        minted = make_grant(file, member, policy, wanted.grant or "quickstart")
        file.last_servers[str(member.organisation.id)] = address
    return Made(
        console_url=f"{settings.PUBLIC_URL}/app/{member.organisation.slug}/",
        email=email,
        password=file.passwords[email],
        organisation=member.organisation.slug,
        server_id=str(server.id),
        policy_id=str(policy.id),
        grant_id=minted.grant_id,
        gateway_url=gateway_url_of(server.id),
        token=minted.token,
    )


@contextmanager
def told_plainly() -> Iterator[None]:
    try:
        yield
    except PolicyInvalidError as error:
        shown = [f"{problem.pointer or '(document)'}: {problem.message}" for problem in error.problems[:SHOWN_PROBLEMS]]
        raise QuickstartError(f"{error} {' '.join(shown)}") from None
    except (NameRefusedError, ServerInvalidError, SavedTestsFailedError) as error:
        raise QuickstartError(str(error)) from None


def make_user(file: QuickstartFile, email: str) -> User:
    user = user_for_email(email)
    if user is None:
        file.passwords[email] = token_urlsafe(12)
        file.save()
        return create_verified_user(email=email, password=file.passwords[email])
    if email not in file.passwords:
        raise QuickstartError(f"{email} has an account that quickstart did not make: give another --email.")
    return user


def make_organisation(file: QuickstartFile, user: User, name: str) -> Member:
    known = file.organisations.get(f"{user.email} {name}")
    mine = {str(organisation.id): organisation for organisation in organisations_for(user)}
    organisation = mine.get(known or "")
    if organisation is None:
        organisation = create_organisation(user=user, name=name)
        file.organisations[f"{user.email} {name}"] = str(organisation.id)
        file.save()
    return admin_of(organisation, user)


def admin_of(organisation: Organisation, user: User) -> Member:
    member = member_of(user, organisation)
    if member.role is not Role.ADMIN:
        raise QuickstartError(f"{user.email} is no longer an admin of {organisation.name}.")
    return member


def make_server(file: QuickstartFile, member: Member, address: str, headers: tuple[tuple[str, str], ...]) -> Server:
    key = f"{member.organisation.id} {address}"
    with tenant(member.organisation.id):
        server = find_server(file.servers.get(key))
        if server is None:
            server = register(member, address, headers)
        elif headers and stored_headers(server) != {name.lower(): value for name, value in headers}:
            server = edit_server(member=member, server=server, headers=headers)
    file.servers[key] = str(server.id)
    file.save()
    return discover_now(server)


def find_server(known: str | None) -> Server | None:
    if known is None:
        return None
    try:
        return server_for(UUID(known))
    except Http404:
        return None


def register(member: Member, address: str, headers: tuple[tuple[str, str], ...]) -> Server:
    is_simulator = address == SIMULATOR
    wished = "Bybit simulator" if is_simulator else (urlsplit(address).hostname or "Server")[:60]
    taken = {server.name for server in servers_for()}
    name = next(name for name in (wished, *(f"{wished} {number}" for number in range(2, 1000))) if name not in taken)
    return register_server(
        member=member,
        name=name,
        kind=(Kind.SIMULATOR if is_simulator else Kind.HTTP).value,
        url="" if is_simulator else address,
        headers=headers,
    )


def stored_headers(server: Server) -> dict[str, str]:
    return {header.name.lower(): open_header(server, header) for header in server.headers.all()}


def discover_now(server: Server) -> Server:
    # Registering also queues a discovery; whichever began last has the last word, so this waits for that word.
    organisation = server.organisation_id
    deadline = time.monotonic() + DISCOVERY_SECONDS
    if server.discovery != DiscoveryStatus.DONE:
        discover_server(str(organisation), str(server.id))
    while True:
        with tenant(organisation):
            server = server_for(server.id)
        if server.discovery == DiscoveryStatus.DONE:
            return server
        if server.discovery == DiscoveryStatus.FAILED:
            raise QuickstartError(f"The tools of {server.name} could not be read: {server.discovery_error}")
        if time.monotonic() > deadline:
            raise QuickstartError(f"The tools of {server.name} were not read within {DISCOVERY_SECONDS} seconds.")
        time.sleep(0.1)


def make_policy(file: QuickstartFile, member: Member, server: Server, document: str | None) -> Policy:
    policy = find_policy(file.policies.get(str(server.id)), server)
    if policy is None:
        start = document if document is not None else write_start(Start.RECOMMENDED, server)
        policy = create_policy(member=member, server=server, name=POLICY_NAME, document=start)
    elif document is not None:
        publish_policy(member=member, policy=policy, document=document)
    file.policies[str(server.id)] = str(policy.id)
    return policy


def find_policy(known: str | None, server: Server) -> Policy | None:
    if known is not None:
        try:
            return policy_for(UUID(known))
        except Http404:
            pass
    return policies_for(server).filter(name=POLICY_NAME).first()


def make_grant(file: QuickstartFile, member: Member, policy: Policy, label: str) -> MintedToken:
    key = f"{policy.server_id} {label}"
    with tenant(member.organisation.id):
        known = file.grants.get(key)
        if known is not None and can_be_used(known):
            return known
        minted = mint_grant(member=member, server=policy.server, label=label, policy=policy)
        file.grants[key] = MintedToken(str(minted.grant.id), minted.token)
        # Before the transaction ends: a token that exists in PostgreSQL alone is lost.
        file.save()
    return file.grants[key]


def can_be_used(known: MintedToken) -> bool:
    try:
        return grant_for(UUID(known.grant_id)).revoked_at is None
    except Http404:
        return False


def as_json(made: Made) -> dict[str, str]:
    return asdict(made)
