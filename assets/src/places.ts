// From the server's places (1-based line and column, columns in code points) to CodeMirror's offsets.
import { syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";

interface Place {
  line: number;
  column: number;
}

export function offsetAt(state: EditorState, place: Place): number {
  if (place.line < 1) return 0;
  const line = state.doc.line(Math.min(place.line, state.doc.lines));
  const before = [...line.text].slice(0, Math.max(place.column - 1, 0)).join("");
  return line.from + before.length;
}

// The token at the place; at least one character, so that there is something to underline.
export function rangeAt(state: EditorState, place: Place): { from: number; to: number } {
  const at = offsetAt(state, place);
  const node = syntaxTree(state).resolveInner(at, 1);
  const line = state.doc.lineAt(at);
  const isToken = node.from <= at && node.to > at && node.to <= line.to && node.parent !== null;
  const to = isToken ? node.to : line.to;
  return { from: Math.min(isToken ? node.from : at, state.doc.length), to: Math.min(Math.max(to, at), state.doc.length) };
}
