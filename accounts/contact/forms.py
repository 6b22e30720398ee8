"""What a visitor writes in the contact form, parsed: nothing that could break a header or hide what a reader sees."""

import re
import unicodedata
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.encoding import punycode

FIELDS: Final = ("name", "email", "message")
JOINERS: Final = "\u200c\u200d"
# Right-to-left texts carry plain marks of direction; embeddings, overrides and isolates can make a line read otherwise.
MARKS: Final = "\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff"
LOCAL_PART: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
REFUSED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
NO_ADDRESS: Final = "Write one address, such as name@example.com."
UNREADABLE: Final = "\ufffd"


def check_characters(text: str, allowed: str) -> None:
    """Raise ValidationError at the first character that is invisible, unreadable or moves text about."""
    for character in text:
        is_refused = unicodedata.category(character) in REFUSED or character == UNREADABLE or is_noncharacter(character)
        if is_refused and character not in allowed:
            raise ValidationError(f"Remove the character U+{ord(character):04X}: it cannot be shown.")


def is_noncharacter(character: str) -> bool:
    """One of the 66 code points that Unicode keeps free of characters (Unicode, section 23.7)."""
    return 0xFDD0 <= ord(character) <= 0xFDEF or ord(character) & 0xFFFE == 0xFFFE


def check_visible(text: str) -> None:
    """Raise ValidationError when there is text, but nothing of it can be seen."""
    if text and not any(unicodedata.category(character)[0] in "LNPS" for character in text):
        raise ValidationError("Write something that can be read.")


class ReadableField(forms.CharField):
    """Text in which a reader sees all that is there; `allowed` names characters to let through all the same."""

    def __init__(self, *, allowed: str, **options: Any) -> None:
        super().__init__(**options)
        self.allowed = allowed

    def to_python(self, value: Any) -> str:
        # As a browser counts: a line's end is one character.
        text = str(value or "").replace("\r\n", "\n").strip(" \n\t" if "\n" in self.allowed else " ")
        if self.max_length is not None and len(text) > self.max_length:
            raise ValidationError(f"Shorten this to {self.max_length} characters; it has {len(text)}.")
        check_characters(text, self.allowed)
        check_visible(text)
        return text


class ContactForm(forms.Form):
    name = ReadableField(
        max_length=80,
        allowed=JOINERS,
        label="Your name",
        error_messages={"required": "Enter your name."},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        max_length=254,
        label="Your email address",
        help_text="We reply to this address.",
        error_messages={"required": "Enter your email address.", "invalid": NO_ADDRESS},
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    message = ReadableField(
        max_length=5000,
        allowed="\n\t" + JOINERS + MARKS,
        error_messages={"required": "Enter your message."},
        widget=forms.Textarea(attrs={"rows": 8}),
    )

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        # An encoded word (RFC 2047) that is typed would be decoded by the mail program of whoever reads the header.
        if "=?" in name:
            raise ValidationError("Leave out “=?”: mail programs take it for something else.")
        return name

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        local, _, domain = email.rpartition("@")
        try:
            ascii_domain = punycode(domain)
        except UnicodeError:
            ascii_domain = ""
        # The standard allows quoted local parts and bare network addresses; nobody who wants an answer has one.
        if not ascii_domain or ascii_domain.startswith("[") or not LOCAL_PART.fullmatch(local):
            raise ValidationError(NO_ADDRESS)
        check_characters(email, "")
        return email
