// Where in a JSON text the caret is, however unfinished the text: the open objects and lists around it, with what
// already stands in them, and the token under the caret.

export interface Frame {
  isObject: boolean;
  // The key or index under which the next part, or the part with the caret, stands.
  step: string | number;
  hasColon: boolean;
  hasValue: boolean;
  // The keys of an object, with their values where these are texts, and the texts in its lists.
  texts: Map<string, string | null>;
  lists: Map<string, readonly string[]>;
  elements: string[];
}

export interface Place {
  frames: readonly Frame[];
  // The steps of all frames at the caret, the innermost last.
  steps: readonly (string | number)[];
  isKey: boolean;
  // The end of what stands before without a comma; -1 where no comma is needed.
  commaAt: number;
  token: Token;
}

export interface Token {
  from: number;
  to: number;
  isQuoted: boolean;
}

const PIECE = /"(?:[^"\\\n]|\\.)*"?|[{}[\]:,]|[^\s"{}[\]:,]+/g;
const BARE = "[^\\s\"{}[\\]:,]*";
const BEFORE = new RegExp(`${BARE}$`);
// A text with a colon behind it is the next key.
const VALUE_NEXT = /^\s*(?:[{[\w-]|"(?:[^"\\\n]|\\.)*"(?!\s*:))/;
const AFTER = new RegExp(`^${BARE}`);

function quotesIn(text: string): number[] {
  const found: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') found.push(at);
  }
  return found;
}

// JSON texts never span lines, so the quotes of one line say whether the caret is inside one, and whether it ends.
export function tokenAt(text: string, at: number): Token {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const end = text.indexOf("\n", at);
  const [before, after] = [text.slice(start, at), text.slice(at, end < 0 ? undefined : end)];
  const [opened, closing] = [quotesIn(before), quotesIn(after)];
  const open = opened.at(-1);
  if (opened.length % 2 === 1 && open !== undefined) {
    const close = closing[0];
    const isClosed = closing.length % 2 === 1 && close !== undefined;
    return { from: start + open, to: isClosed ? at + close + 1 : at, isQuoted: true };
  }
  const [left, right] = [BEFORE.exec(before)?.[0] ?? "", AFTER.exec(after)?.[0] ?? ""];
  return { from: at - left.length, to: at + right.length, isQuoted: false };
}

export function readText(piece: string): string {
  try {
    return String(JSON.parse(piece));
  } catch {
    return piece.slice(1);
  }
}

const openFrame = (isObject: boolean): Frame => ({
  isObject, step: isObject ? "" : 0, hasColon: false, hasValue: false, texts: new Map(), lists: new Map(), elements: [],
});

function take(frame: Frame, piece: string): void {
  const isText = piece.startsWith('"');
  if (frame.isObject && isText && (!frame.hasColon || frame.hasValue)) {
    frame.step = readText(piece);
    frame.texts.set(frame.step, null);
    frame.hasColon = frame.hasValue = false;
    return;
  }
  if (frame.isObject && frame.hasColon && isText) frame.texts.set(String(frame.step), readText(piece));
  if (!frame.isObject && isText) frame.elements.push(readText(piece));
  frame.hasValue = true;
}

function separate(frame: Frame): void {
  if (typeof frame.step === "number") frame.step += 1;
  else frame.step = "";
  frame.hasColon = frame.hasValue = false;
}

function open(stack: Frame[], isObject: boolean): void {
  const parent = stack.at(-1);
  const frame = openFrame(isObject);
  if (parent?.isObject && !isObject) parent.lists.set(String(parent.step), frame.elements);
  stack.push(frame);
}

function close(stack: Frame[]): void {
  stack.pop();
  const parent = stack.at(-1);
  if (parent) parent.hasValue = true;
}

function read(stack: Frame[], piece: string): void {
  const frame = stack.at(-1);
  if (piece === "{" || piece === "[") open(stack, piece === "{");
  else if (!frame) return;
  else if (piece === "}" || piece === "]") close(stack);
  else if (piece === ":") frame.hasColon = true;
  else if (piece === ",") separate(frame);
  else take(frame, piece);
}

// Null outside of the document's object, between a key and its colon, and right beside a finished value.
export function placeAt(text: string, at: number): Place | null {
  const token = tokenAt(text, at);
  const stack: Frame[] = [];
  let behind = 0;
  for (const { 0: piece, index } of text.slice(0, token.from).matchAll(PIECE)) {
    read(stack, piece);
    behind = index + piece.length;
  }
  const place = see(stack, token, behind);
  const isEmpty = token.from === token.to;
  if (place && isEmpty && !place.isKey && stack.at(-1)?.isObject && VALUE_NEXT.test(text.slice(token.to))) return null;
  // What else stands in the open objects and lists is known when the text is read to its end.
  if (place) for (const [piece] of text.slice(token.to).matchAll(PIECE)) read(stack, piece);
  return place;
}

function see(stack: Frame[], token: Token, behind: number): Place | null {
  const frame = stack.at(-1);
  if (!frame) return null;
  const isKey = frame.isObject && (!frame.hasColon || frame.hasValue);
  if (isKey && frame.step !== "" && !frame.hasColon) return null;
  const needsComma = frame.hasValue;
  if (needsComma && behind === token.from) return null;
  const steps = stack.map(({ step }) => step);
  const place = { frames: [...stack], steps, isKey, commaAt: needsComma ? behind : -1, token };
  // What follows belongs to the next key or element, whether or not there is a comma yet.
  if (!isKey) frame.hasValue = true;
  return place;
}
