"""A published document as a file. It goes out letter for letter, so that what is imported elsewhere is what was
published here."""

from django.http import HttpResponse
from django.utils.text import slugify

from policies.models import Policy, PolicyVersion


def answer_document(policy: Policy, version: PolicyVersion) -> HttpResponse:
    """The document as a download, named after its policy and version."""
    name = f"{slugify(policy.name) or 'policy'}-v{version.number}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(version.document, content_type="application/json; charset=utf-8", headers=headers)
