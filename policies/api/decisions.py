"""/api/v1/decisions/: decision records, newest first. Read only."""

from uuid import UUID

from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from accounts.api import ApiRequest, TenantView
from policies.access import record_for, records_for
from policies.api.bodies import read_server_filter
from policies.api.paging import WRONG_CURSOR, PageQuery
from policies.api.schema import describe, describe_list
from policies.api.shapes import DecisionPage, DecisionQuery, DecisionShape

TAG = "decisions"


class DecisionsView(TenantView):
    @describe_list("listDecisions", DecisionPage, tag=TAG, filters=(DecisionQuery,))
    def get(self, request: ApiRequest) -> Response:
        """One record for each call that reached the gateway, newest first."""
        query, paging = DecisionQuery(data=request.query_params), PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        paging.is_valid(raise_exception=True)
        asked, limit = query.validated_data, paging.validated_data["limit"]
        found = records_for(
            read_server_filter(request),
            outcome=asked.get("outcome", ""),
            tool=asked.get("tool", ""),
            grant=asked.get("grant"),
            before=_read_cursor(paging.validated_data["cursor"]),
            limit=limit + 1,
        )
        items = found[:limit]
        following = str(items[-1].id) if len(found) > limit else None
        return Response(DecisionPage({"items": items, "next": following}).data)


class DecisionView(TenantView):
    @describe("readDecision", answers={200: DecisionShape}, tag=TAG)
    def get(self, request: ApiRequest, record: UUID) -> Response:
        """One record, with the rule that decided."""
        return Response(DecisionShape(record_for(record)).data)


def _read_cursor(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise ValidationError(WRONG_CURSOR) from None
