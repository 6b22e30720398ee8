"""The contact form: acts with nobody's rights, works without script and cookies, loses nothing that was typed."""

import logging
import time
from math import ceil

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.contact.access import find_sent
from accounts.contact.form_token import FormToken, make_token, read_token
from accounts.contact.forms import ContactForm
from accounts.contact.limits import charge_sender, sender_of
from accounts.contact.posted import Posted, PostRefusedError, read_posted
from accounts.contact.services import FormUsedError, Written, store_message

# A field that people never see and programs fill in.
TRAP = "homepage"
log = logging.getLogger(__name__)


class NotSentError(ValueError):
    """The message is not sent, for a reason that the sender can do something about; `status` is what to answer."""

    def __init__(self, sentence: str, status: int = 422) -> None:
        super().__init__(sentence)
        self.status = status


# The form's own signed token stands in for CSRF's, whose refusal would lose the text where cookies are blocked.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        email = request.user.email if request.user.is_authenticated else ""
        return show_form(request, ContactForm(initial={"email": email}), make_token(time.time()))
    try:
        posted = read_posted(request)
    except PostRefusedError as error:
        return show_refusal(request, error)
    form, token = ContactForm(posted.fields), read_token(posted.fields.get("form", ""), time.time())
    if posted.complaint:
        form.add_error(None, posted.complaint)
    if not form.is_valid():
        # Shown with the same token, if it is one: the time that was spent on it counts.
        text = str(posted.fields["form"]) if token else make_token(time.time(), is_renewed=True)
        return show_form(request, form, text, status=422)
    try:
        send(request, form, posted, token)
    except NotSentError as error:
        return show_again(request, form, str(error), error.status)
    except (OperationalError, InterfaceError) as error:
        log.error("a contact message cannot be kept: %s", type(error).__name__)
        return show_again(request, form, "Your message cannot be kept just now. Send it again in a few minutes.", 503)
    return redirect("accounts:contact_sent")


@require_safe
def contact_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/contact_sent.html")


def send(request: HttpRequest, form: ContactForm, posted: Posted, token: FormToken | None) -> None:
    if token is None:
        raise NotSentError("This page had been open for more than a day. Nothing is lost: send it again.")
    data = form.cleaned_data
    suspicion = suspicion_of(posted, token)
    written = Written(token.id, data["name"], data["email"], data["message"], suspicion)
    if find_sent(token.id) == written.id:
        return
    sender = sender_of(str(request.META.get("REMOTE_ADDR", "")))
    wait = charge_sender(sender, timezone.now())
    if wait:
        minutes = ceil(wait / 60)
        raise NotSentError(f"Too many messages came from your network. Send it again in {minutes} minutes.", 429)
    try:
        store_message(written=written, sender=sender)
    except FormUsedError:
        raise NotSentError("Your message before this one was sent. To send this one too, send it again.") from None


def suspicion_of(posted: Posted, token: FormToken) -> str:
    if posted.fields.get(TRAP, ""):
        return "The field that people do not see was filled in."
    return "It was sent faster than a person writes." if token.is_too_quick(time.time()) else ""


def show_form(request: HttpRequest, form: ContactForm, token: str, status: int = 200) -> HttpResponse:
    context = {"form": form, "token": token, "trap": TRAP}
    return render(request, "accounts/contact.html", context, status=status)


def show_again(request: HttpRequest, form: ContactForm, why: str, status: int) -> HttpResponse:
    form.add_error(None, why)
    return show_form(request, form, make_token(time.time(), is_renewed=True), status=status)


def show_refusal(request: HttpRequest, error: PostRefusedError) -> HttpResponse:
    form = ContactForm({})
    form.full_clean()
    form.errors.clear()
    return show_again(request, form, str(error), error.status)
