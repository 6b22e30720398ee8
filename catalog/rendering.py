"""Markdown to HTML for texts of ours and of the host: headings with anchors, tables that become blocks on a phone,
pictures with captions, code with copy buttons. Raw HTML in a text stays text."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

# After the language, a block may say what the policy above it decides, after how many such calls: ```json limit 10
OUTCOMES: Final = frozenset({"allow", "deny", "hide", "limit", "approve"})
# Where a path of a file may go on in a new line.
SEPARATOR: Final = re.compile(r"(?<=/)|(?<=::)|(?<=_)")
LONG: Final = 20
Rewrite = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as HTML, without its first heading, which is `title`; `lead` is its first paragraph in plain text."""

    html: str
    title: str
    lead: str
    headings: tuple[Heading, ...]


def render_document(text: str, rewrite: Rewrite = str) -> Rendered:
    """A whole document; `rewrite` gets the address of every link and picture and gives the one to show."""
    md = _make(rewrite)
    tokens = md.parse(text)
    title, lead = "", ""
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        title, tokens = _plain(tokens[1]), tokens[3:]
    if tokens and tokens[0].type == "paragraph_open":
        lead = _plain(tokens[1])
    return Rendered(md.renderer.render(tokens, md.options, {}), title, lead, tuple(_list_headings(tokens)))


def render_text(text: str, rewrite: Rewrite = str) -> str:
    """A few paragraphs."""
    return str(_make(rewrite).render(text))


def render_line(text: str) -> str:
    """One line without a paragraph around it."""
    return str(_make(str).renderInline(text))


def _make(rewrite: Rewrite) -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": False}).enable("table")
    anchors_plugin(md, min_level=2, max_level=4)

    def rewrite_links(state: Any) -> None:
        for token in state.tokens:
            for child in token.children or ():
                name = {"link_open": "href", "image": "src"}.get(child.type)
                if name is not None:
                    child.attrSet(name, rewrite(str(child.attrGet(name))))

    md.core.ruler.push("rewrite_links", rewrite_links)
    md.core.ruler.push("label_cells", _label_cells)
    md.core.ruler.push("frame_pictures", _frame_pictures)
    md.add_render_rule("code_inline", _render_code)
    md.add_render_rule("fence", _render_fence)
    md.add_render_rule("code_block", _render_fence)
    md.add_render_rule("table_open", _open_table)
    md.add_render_rule("table_close", _close_table)
    return md


def _label_cells(state: Any) -> None:
    """The first cell of a row is its heading; each other one says its column's, which a phone shows before it."""
    heads: list[str] = []
    column = 0
    for place, token in enumerate(state.tokens):
        if token.type == "table_open":
            heads = []
        elif token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            token.attrs = {"scope": "col"}
            heads.append(_plain(state.tokens[place + 1]))
        elif token.type == "td_open":
            if column == 0:
                token.tag, state.tokens[place + 2].tag = "th", "th"
                token.attrs = {"scope": "row"}
            else:
                token.attrs = {"data-label": heads[column]}
                _break_paths(state.tokens[place + 1])
            column += 1


def _break_paths(inline: Token) -> None:
    """In a cell each path of several is on a line of its own."""
    children = inline.children or []
    for before, between, after in zip(children, children[1:], children[2:], strict=False):
        is_path = all(one.type == "code_inline" and "/" in one.content for one in (before, after))
        if is_path and between.content == ", ":
            between.type, between.tag, between.content = "hardbreak", "br", ""


def _frame_pictures(state: Any) -> None:
    """A paragraph that begins with a picture is the picture, and below it what the rest says of it."""
    for opened, inline, closed in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        children = inline.children or []
        if opened.type != "paragraph_open" or not children or children[0].type != "image":
            continue
        opened.tag = closed.tag = "figure"
        picture = children[0]
        link, end = Token("link_open", "a", 1, attrs={"href": picture.attrGet("src")}), Token("link_close", "a", -1)
        said = [Token("caption_open", "figcaption", 1), *children[2:], Token("caption_close", "figcaption", -1)]
        inline.children = [link, picture, end, *(said if len(children) > 2 else [])]


def _render_code(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    text = tokens[index].content
    parts = SEPARATOR.split(text) if "/" in text and len(text) > LONG else [text]
    return f"<code>{'<wbr>'.join(escape(part) for part in parts)}</code>"


def _render_fence(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    number = sum(token.type in ("fence", "code_block") for token in tokens[: index + 1])
    words = tokens[index].info.split()
    code = escape(tokens[index].content.strip("\n"))
    label, said, shape = f"Example {number}", "", "" if words else ' class="wrapped"'
    if len(words) > 1 and words[1] in OUTCOMES:
        after = f", after {escape(words[2])} like it" if len(words) > 2 else ""
        badge = f'<span class="badge badge-{words[1]}">{words[1]}</span>'
        said, shape = f'<p class="row small"><span>This call{after}:</span> {badge}</p>', ' class="wrapped"'
    return (
        f'{said}<div class="code"><pre tabindex="0" aria-label="{label}" id="code-{number}"{shape}><code>{code}</code>'
        f'</pre><button class="copy" type="button" data-copy="#code-{number}" aria-label="Copy: {label}">Copy</button>'
        "</div>\n"
    )


def _open_table(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    number = sum(token.type == "table_open" for token in tokens[: index + 1])
    wrap = f'<div class="table-wrap" tabindex="0" role="region" aria-label="Table {number}">'
    return f'{wrap}<table class="data stacked">\n'


def _close_table(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return "</table></div>\n"


def _list_headings(tokens: Sequence[Token]) -> list[Heading]:
    return [
        Heading(int(token.tag[1]), str(token.attrGet("id")), _plain(tokens[place + 1]))
        for place, token in enumerate(tokens)
        if token.type == "heading_open"
    ]


def _plain(inline: Token) -> str:
    return "".join(child.content if child.type != "softbreak" else " " for child in inline.children or ())
