"""/api/v1/servers/: list, register, read, edit, delete, discover, tools. Stored headers are never answered."""

from collections.abc import Collection
from typing import ClassVar
from uuid import UUID

from rest_framework.response import Response

from accounts.access import ADMINS, POLICY_WRITERS
from accounts.api import ApiRequest, TenantView
from accounts.models import Role
from policies.api.bodies import read_body
from policies.api.idempotency import once
from policies.api.paging import page_of_list
from policies.api.problems import problems
from policies.api.schema import describe, describe_creation, describe_list
from policies.api.shapes import (
    DiscoverShape,
    ServerBody,
    ServerChange,
    ServerPage,
    ServerShape,
    StopBody,
    ToolPage,
)
from servers.access import server_for, servers_for, tools_for
from servers.services import (
    delete_server,
    edit_server,
    queue_discovery,
    register_server,
    resume_server,
    stop_server,
)

TAG = "servers"


class ServersView(TenantView):
    write_roles: ClassVar[Collection[Role]] = ADMINS

    @describe_list("listServers", ServerPage, tag=TAG)
    def get(self, request: ApiRequest) -> Response:
        """The organisation's servers by name."""
        return Response(ServerPage(page_of_list(request, servers_for(), "name")).data)

    @describe_creation("registerServer", body=ServerBody, answers={201: ServerShape}, tag=TAG)
    @once
    def post(self, request: ApiRequest) -> Response:
        """Register a server; its discovery is queued, and `discovery` says how far it is."""
        body = read_body(ServerBody, request)
        headers = [(header["name"], header["value"]) for header in body.pop("headers")]
        with problems():
            server = register_server(member=request.member, headers=headers, **body)
        return Response(ServerShape(server).data, status=201)


class ServerView(TenantView):
    write_roles: ClassVar[Collection[Role]] = ADMINS

    @describe("readServer", answers={200: ServerShape}, tag=TAG)
    def get(self, request: ApiRequest, server: UUID) -> Response:
        """One server, with the names of its stored headers and not their values."""
        return Response(ServerShape(server_for(server)).data)

    @describe("editServer", body=ServerChange, answers={200: ServerShape}, tag=TAG)
    def patch(self, request: ApiRequest, server: UUID) -> Response:
        """Change a name, an address or headers; an address on another host takes no stored header along."""
        found = server_for(server)
        body = read_body(ServerChange, request)
        headers = [(header["name"], header["value"]) for header in body["headers"]]
        with problems():
            edit_server(
                member=request.member,
                server=found,
                name=body.get("name"),
                url=body.get("url"),
                headers=headers,
                removed=body["removed_headers"],
            )
        return Response(ServerShape(server_for(server)).data)

    @describe("deleteServer", answers={204: None}, tag=TAG)
    def delete(self, request: ApiRequest, server: UUID) -> Response:
        """Delete a server with its policies, grants and tools; decision records stay."""
        delete_server(member=request.member, server=server_for(server))
        return Response(status=204)


class DiscoverView(TenantView):
    write_roles: ClassVar[Collection[Role]] = ADMINS

    @describe("discoverServer", answers={202: DiscoverShape}, tag=TAG)
    def post(self, request: ApiRequest, server: UUID) -> Response:
        """Queue a discovery; `queued` is false when one is under way already."""
        is_queued = queue_discovery(member=request.member, server=server_for(server))
        return Response(DiscoverShape({"queued": is_queued}).data, status=202)


class StopView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe("stopServer", body=StopBody, answers={200: ServerShape}, tag=TAG)
    def post(self, request: ApiRequest, server: UUID) -> Response:
        """Refuse every call to a server and end its streams, within 2 seconds everywhere; twice is no error."""
        found = server_for(server)
        stop_server(member=request.member, server=found, reason=read_body(StopBody, request)["reason"])
        return Response(ServerShape(found).data)


class ResumeView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe("resumeServer", answers={200: ServerShape}, tag=TAG)
    def post(self, request: ApiRequest, server: UUID) -> Response:
        """Let calls to a stopped server go on; a grant that was stopped by itself stays stopped."""
        found = server_for(server)
        resume_server(member=request.member, server=found)
        return Response(ServerShape(found).data)


class ToolsView(TenantView):
    @describe_list("listTools", ToolPage, tag=TAG)
    def get(self, request: ApiRequest, server: UUID) -> Response:
        """A server's pinned tools by name, changed and gone ones included."""
        return Response(ToolPage(page_of_list(request, tools_for(server_for(server)), "name")).data)
