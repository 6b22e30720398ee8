// CodeMirror in the colours of style.css. Its own marks are images in data: addresses; ours are drawn instead.
import { HighlightStyle } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

export const editorHighlight = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--code-name)" },
  { tag: tags.string, color: "var(--code-text)" },
  { tag: tags.number, color: "var(--code-number)" },
  { tag: [tags.bool, tags.null], color: "var(--code-number)", fontWeight: "650" },
  { tag: [tags.separator, tags.squareBracket, tags.brace], color: "var(--ink-soft)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const mark = (colour: string, shape: string) => ({
  content: "''",
  display: "block",
  width: ".7em",
  height: ".7em",
  margin: ".35em auto 0",
  background: colour,
  clipPath: shape,
});

const wave = (colour: string) => ({
  backgroundImage: "none",
  textDecoration: `underline wavy ${colour} 1.5px`,
  textUnderlineOffset: "3px",
  paddingBottom: "0",
});

export const editorTheme = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--surface)", fontSize: ".875rem", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { padding: ".5rem 0", caretColor: "var(--ink)", minHeight: "18rem" },
  ".cm-line::selection, .cm-line ::selection": { backgroundColor: "var(--selection)" },
  ".cm-gutters": { color: "var(--ink-soft)", backgroundColor: "var(--sunken)", border: "none" },
  ".cm-gutter-lint": { width: "1.2em" },
  ".cm-activeLine": { backgroundColor: "var(--line)" },
  ".cm-activeLineGutter": { color: "var(--ink)", backgroundColor: "var(--line)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--selection)", outline: "1px solid var(--accent)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent", outline: "1px solid var(--bad)" },
  ".cm-foldPlaceholder": {
    color: "var(--ink-soft)", backgroundColor: "var(--sunken)", border: "1px solid var(--rule)", padding: "0 .3em",
  },
  ".cm-lint-marker": { width: "1.2em", height: "1.4em", padding: "0" },
  ".cm-lint-marker-error": mark("var(--bad)", "circle(50%)"),
  ".cm-lint-marker-warning": mark("var(--warn)", "polygon(50% 0, 100% 100%, 0 100%)"),
  ".cm-lintRange-error": wave("var(--bad)"),
  ".cm-lintRange-warning": wave("var(--warn)"),
  ".cm-lintRange-active": { backgroundColor: "var(--line)" },
  ".cm-lintPoint:after": { borderBottomColor: "var(--bad)" },
  ".cm-tooltip": {
    color: "var(--ink)", backgroundColor: "var(--surface)", border: "1px solid var(--rule-strong)",
    borderRadius: "var(--radius)", maxWidth: "32rem",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--font-mono)", fontSize: ".8125rem", maxHeight: "16rem", maxWidth: "min(40rem, 92vw)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": {
    display: "flex", flexWrap: "wrap", gap: "0 .75rem", padding: ".25rem .5rem", lineHeight: "1.4",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    color: "var(--ink)", background: "var(--selection)", boxShadow: "inset 3px 0 var(--accent)",
  },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "650" },
  ".cm-completionDetail": { marginLeft: "0", fontFamily: "var(--font)", fontStyle: "normal", color: "var(--ink-soft)" },
  ".cm-diagnostic": { fontFamily: "var(--font)", padding: ".35rem .6rem", whiteSpace: "normal" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--bad)" },
  ".cm-diagnostic-warning": { borderLeft: "3px solid var(--warn)" },
  ".cm-panels": { color: "var(--ink)", backgroundColor: "var(--sunken)" },
});
