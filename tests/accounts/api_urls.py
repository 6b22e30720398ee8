"""A resource that only these tests serve: it answers who is asking and counts what a member may see."""

from typing import Any, ClassVar

from django.http import Http404
from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response

from accounts.access import ADMINS
from accounts.api import ApiRequest, ProblemDetail, ProblemError, TenantView
from accounts.models import Membership
from accounts.services import record_audit


class Body(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=5)
    sizes = serializers.ListField(child=serializers.IntegerField(), required=False)


class ProbeView(TenantView):
    write_roles: ClassVar[Any] = ADMINS

    def get(self, request: ApiRequest) -> Response:
        return Response({"name": request.member.name, "members": Membership.objects.count()})

    def post(self, request: ApiRequest) -> Response:
        record_audit(member=request.member, action="probe", target="x")
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        if body.validated_data["name"] == "lost":
            raise Http404("secret detail")
        if body.validated_data["name"] == "odd":
            raise ProblemError(422, "It is odd.", [ProblemDetail("/name", "Too odd.", "even")])
        return Response({"ok": True})


urlpatterns = [path("probe/", ProbeView.as_view())]
