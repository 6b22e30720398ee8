"""Reads requests: their body by its shape, and the objects that it names. An unknown or foreign id is a problem of its
member, the same for both."""

from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from policies.access import policy_for
from policies.models import Policy
from servers.access import server_for
from servers.models import Server


def read_body(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The body's members by the shape; raises ValidationError with a pointer for each that is wrong."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def server_named(server_id: UUID) -> Server:
    """The server that the body's `server` names; raises ValidationError."""
    try:
        return server_for(server_id)
    except Http404:
        raise ValidationError({"server": ["No such server."]}) from None


def policy_named(policy_id: UUID | None) -> Policy | None:
    """The policy that the body's `policy` names, None for null; raises ValidationError."""
    if policy_id is None:
        return None
    try:
        return policy_for(policy_id)
    except Http404:
        raise ValidationError({"policy": ["No such policy."]}) from None


def read_server_filter(request: Request) -> Server | None:
    """The server that the address's `server` names, None without it; raises ValidationError."""
    text = request.query_params.get("server")
    if text is None:
        return None
    try:
        return server_named(UUID(text))
    except ValueError:
        raise ValidationError({"server": ["Must be a valid UUID."]}) from None
