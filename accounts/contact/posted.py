"""Reads what was posted to the contact form and nothing else: no file is kept, and nothing large is parsed."""

from dataclasses import dataclass
from typing import Any, Final, NoReturn

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

# Enough for far more than the longest message, so that a text that is too long comes back to be shortened.
MAX_BYTES: Final = 256 * 1024
TYPES: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


class PostRefusedError(ValueError):
    """The request is nothing that our form sends; `status` is what to answer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Posted:
    """The fields, and what is wrong with how they came, for a form error; "" when nothing is."""

    fields: QueryDict
    complaint: str


def read_posted(request: HttpRequest) -> Posted:
    """The fields of a posted form; PostRefusedError for other content types, charsets, sizes and broken bodies."""
    if request.content_type not in TYPES or (request.content_params or {}).get("charset", "utf-8").lower() != "utf-8":
        raise PostRefusedError(415, "Send this form as a browser does, in UTF-8.")
    if _length_of(request) > MAX_BYTES:
        raise PostRefusedError(413, "This is too much for one message. Write at most 5000 characters, and no files.")
    files = NoFiles(request)
    request.upload_handlers = [files]
    try:
        fields = request.POST
    except (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        raise PostRefusedError(400, "The form did not arrive whole. Go back, and send it again.") from None
    if files.is_refused:
        return Posted(fields, "This form takes no files: nothing was sent yet. Send it again without the file.")
    if any(len(values) > 1 for _, values in fields.lists()):
        return Posted(fields, "A field came twice: nothing was sent yet. Check the text, and send it again.")
    return Posted(fields, "")


def _length_of(request: HttpRequest) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else MAX_BYTES + 1


class NoFiles(FileUploadHandler):
    """Skips every file without keeping a byte of it, and remembers that there was one."""

    is_refused = False

    def new_file(self, *_: Any, **__: Any) -> NoReturn:
        self.is_refused = True
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        return None

    def file_complete(self, file_size: int) -> None:
        return None
