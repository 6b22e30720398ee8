"""Celery's part of servers: discovery and connection tests. No transaction is open while an upstream is asked."""

from uuid import UUID

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.http import Http404

from accounts.access import organisation_ids
from accounts.tenancy import tenant
from servers import marks
from servers.access import server_for, servers_for, target_for
from servers.discovery import discover, probe
from servers.services import begin_discovery, store_discovery, store_failure
from servers.upstream.exchange import ExchangeError
from servers.upstream.target import TargetUnavailableError

TOO_LONG = "The discovery took too long and was ended. Check that the server answers quickly."


@shared_task
def discover_server(organisation_id: str, server_id: str) -> None:
    """Ask a server for its tools and pin what it says; how it went is on the server's page."""
    organisation, server = UUID(organisation_id), UUID(server_id)
    begun = begin_discovery(organisation, server)
    if begun is None:
        return

    def tell(stage: str, tools: int = 0) -> None:
        marks.save_progress(organisation, server, marks.Progress(stage, tools))

    tell("connecting")
    try:
        found = discover(begun.target, lambda tools: tell("reading", tools))
    except ExchangeError as error:
        store_failure(organisation, server, started_at=begun.started_at, reason=str(error))
    except SoftTimeLimitExceeded:
        store_failure(organisation, server, started_at=begun.started_at, reason=TOO_LONG)
    else:
        tell("matching", len(found.tools))
        store_discovery(organisation, server, started_at=begun.started_at, found=found)


@shared_task
def check_connection(organisation_id: str, server_id: str) -> None:
    """Reach a server as it is stored, and keep what was found for its settings page; changes nothing."""
    organisation, server = UUID(organisation_id), UUID(server_id)
    try:
        with tenant(organisation):
            target = target_for(server_for(server))
        greeting = probe(target)
    except Http404:
        return
    except (ExchangeError, TargetUnavailableError) as error:
        outcome = marks.ConnectionCheck("failed", str(error))
    else:
        outcome = marks.ConnectionCheck("ok", f"The server answers and speaks MCP {greeting.protocol_version}.")
    marks.save_check(organisation, server, outcome)


@shared_task
def rediscover_servers() -> None:
    """Queue a discovery of every server of every organisation; beat runs this each hour."""
    for organisation in organisation_ids():
        with tenant(organisation):
            servers = [str(server.id) for server in servers_for()]
        for server in servers:
            discover_server.delay(str(organisation), server)
