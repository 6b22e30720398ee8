"""Pages of the site beside the catalogue: home, attack patterns, documents, the host's pages, and what robots ask for.

Public, and without the database but for the site map.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from catalog import attacks_shown, documents, host_pages, site_map
from catalog.attacks import list_attacks
from catalog.example import EXAMPLE, judge_example
from catalog.shipped import count_levels, shipped_servers

TEXT_SECONDS = 300
# Contact data older than this is not to be trusted (RFC 9116 asks for less than a year).
SECURITY_DAYS = 180
MARKDOWN = "text/markdown; charset=utf-8"
ROBOTS = """\
User-agent: *
Disallow: /accounts/
Disallow: /api/
Disallow: /app/
Disallow: /mcp/
Disallow: /operator/
Disallow: /outbox/
Disallow: /restrict/

Sitemap: {origin}/sitemap.xml
"""


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    levels = count_levels()
    context = {
        "example": EXAMPLE,
        "judged": judge_example(),
        "servers": shipped_servers(),
        "levels": levels,
        "total": sum(levels.values()),
        "attacks": len(list_attacks()),
    }
    return render(request, "home.html", context)


@require_safe
def attacks(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/attacks.html", {"pages": attacks_shown.list_pages()})


@require_safe
def attacks_json(request: HttpRequest) -> HttpResponse:
    found = [{"slug": attack.slug, "title": attack.title, "summary": attack.summary} for attack in list_attacks()]
    return _keep(JsonResponse({"attacks": found}))


@require_safe
def attacks_markdown(request: HttpRequest) -> HttpResponse:
    return _text(attacks_shown.write_index(settings.PUBLIC_URL), MARKDOWN)


@require_safe
def attack(request: HttpRequest, attack: str) -> HttpResponse:
    return render(request, "catalog/attack.html", {"page": _page_or_404(attack)})


@require_safe
def attack_json(request: HttpRequest, attack: str) -> HttpResponse:
    return _keep(JsonResponse(attacks_shown.describe_attack(_page_or_404(attack))))


@require_safe
def attack_markdown(request: HttpRequest, attack: str) -> HttpResponse:
    return _text(attacks_shown.write_markdown(_page_or_404(attack), settings.PUBLIC_URL), MARKDOWN)


@require_safe
def document_index(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/documents.html", {"groups": documents.group_documents()})


@require_safe
def document(request: HttpRequest, document: str) -> HttpResponse:
    found = _document_or_404(document)
    context = {"document": found, "documents": documents.list_documents(), "next": documents.next_document(found)}
    return render(request, "catalog/document.html", context)


@require_safe
def document_markdown(request: HttpRequest, document: str) -> HttpResponse:
    return _text(_document_or_404(document).source, MARKDOWN)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/host_page.html", {"page": host_pages.host_page("privacy"), "name": "privacy"})


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/host_page.html", {"page": host_pages.host_page("terms"), "name": "terms"})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    return _text(ROBOTS.format(origin=settings.PUBLIC_URL))


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    context = {"origin": settings.PUBLIC_URL, "places": site_map.list_places()}
    return _keep(render(request, "catalog/sitemap.xml", context, content_type="application/xml"))


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    # RFC 9116 wants a contact: without a way to reach the host there is nothing true to say.
    contacts = [f"mailto:{settings.OPERATOR_EMAIL}"] if settings.OPERATOR_EMAIL else []
    if (path := site_map.contact_path()) is not None:
        contacts.append(settings.PUBLIC_URL + path)
    if not contacts:
        raise Http404("no contact is configured")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        *(f"Contact: {contact}" for contact in contacts),
        f"Expires: {(today + timedelta(days=SECURITY_DAYS)).strftime('%Y-%m-%dT%H:%M:%SZ')}",
        "Preferred-Languages: en",
        f"Canonical: {settings.PUBLIC_URL}/.well-known/security.txt",
        f"Policy: {settings.PUBLIC_URL}/docs/security/",
    ]
    return _text("\n".join(lines) + "\n")


def _page_or_404(slug: str) -> attacks_shown.AttackPage:
    page = attacks_shown.attack_page(slug)
    if page is None:
        raise Http404("no such attack pattern")
    return page


def _document_or_404(slug: str) -> documents.Document:
    found = documents.find_document(slug)
    if found is None:
        raise Http404("no such document")
    return found


def _text(text: str, content_type: str = "text/plain; charset=utf-8") -> HttpResponse:
    return _keep(HttpResponse(text, content_type=content_type))


def _keep(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, public=True, max_age=TEXT_SECONDS)
    return response
