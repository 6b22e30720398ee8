// Edits of a policy's text that leave every other character as it is: spelling of numbers, order, spaces, line ends.
import { elementsOf, endOf, membersOf, type Node, type PolicyDocument } from "./document";

export interface Edit {
  offset: number;
  length: number;
  content: string;
}

// What becomes of one key: another text, nothing, changes inside its object, or changes of its list.
export type Change =
  | { kind: "set"; text: string }
  | { kind: "drop" }
  | { kind: "inside"; changes: Changes }
  | { kind: "items"; drop: ReadonlySet<number>; add: readonly string[] };
export type Changes = Map<string, Change>;

export const set = (text: string): Change => ({ kind: "set", text });
export const drop: Change = { kind: "drop" };
export const inside = (changes: Changes | [string, Change][]): Change => ({ kind: "inside", changes: new Map(changes) });
export const items = (dropped: Iterable<number>, add: readonly string[] = []): Change => ({
  kind: "items", drop: new Set(dropped), add,
});

interface Style {
  eol: string;
  unit: string;
  isCompact: boolean;
  isOpen: boolean;
}

// How the person writes: line ends, indentation, a space behind colons.
function styleOf({ text, root }: PolicyDocument): Style {
  const first = root.children?.[0];
  const before = first ? text.slice(root.offset + 1, first.offset) : "";
  const behind = first?.colonOffset === undefined ? " " : (text[first.colonOffset + 1] ?? "");
  return {
    eol: text.includes("\r\n") ? "\r\n" : "\n",
    unit: /\n([ \t]+)$/.exec(before)?.[1] ?? "  ",
    isCompact: !/\s/.test(behind),
    isOpen: before.includes("\n") || (!first && text.includes("\n")),
  };
}

class Editor {
  private readonly style: Style;

  constructor(private readonly document: PolicyDocument) {
    this.style = styleOf(document);
  }

  editObject(node: Node, changes: Changes): Edit[] {
    const members = membersOf(node);
    const known = new Map(members.map(({ key }, index) => [key, index]));
    const edits: Edit[] = [];
    const dropped = new Set<number>();
    const added: string[] = [];
    let inner: string | undefined;
    const indent = (): string => (inner ??= this.indentAt(node.offset) + this.style.unit);
    for (const [key, change] of changes) {
      const index = known.get(key);
      const value = index === undefined ? undefined : members[index]?.value;
      if (index === undefined || !value) {
        const text = change.kind === "set" ? change.text : this.write(change, indent(), node === this.document.root);
        if (text !== undefined) added.push(`${JSON.stringify(key)}${this.style.isCompact ? ":" : ": "}${text}`);
      } else if (change.kind === "drop") dropped.add(index);
      else for (const edit of this.editValue(value, change)) edits.push(edit);
    }
    return edits.concat(this.editList(node, dropped, added));
  }

  editValue(node: Node, change: Exclude<Change, { kind: "drop" }>): Edit[] {
    if (change.kind === "inside" && node.type === "object") return this.editObject(node, change.changes);
    if (change.kind === "items" && node.type === "array") return this.editList(node, change.drop, change.add);
    const text = change.kind === "set" ? change.text : (this.write(change, this.indentAt(node.offset), false) ?? "");
    const { text: whole } = this.document;
    return whole.slice(node.offset, endOf(node)) === text ? [] : [{ offset: node.offset, length: node.length, content: text }];
  }

  // The text of something that was not there.
  private write(change: Change, indent: string, isOpen: boolean): string | undefined {
    if (change.kind === "set") return change.text;
    if (change.kind === "items") return change.add.length ? this.wrap("[", change.add, "]", indent, false) : undefined;
    if (change.kind === "drop") return undefined;
    const colon = this.style.isCompact ? ":" : ": ";
    const parts = [...change.changes].flatMap(([key, part]) => {
      const text = this.write(part, indent + this.style.unit, false);
      return text === undefined ? [] : [`${JSON.stringify(key)}${colon}${text}`];
    });
    return parts.length ? this.wrap("{", parts, "}", indent, isOpen) : undefined;
  }

  private wrap(open: string, parts: readonly string[], close: string, indent: string, isOpen: boolean): string {
    const { eol, unit, isCompact } = this.style;
    if (!isOpen || !this.style.isOpen) return open + parts.join(isCompact ? "," : ", ") + close;
    const line = eol + indent + unit;
    return open + line + parts.join(`,${line}`) + eol + indent + close;
  }

  private editList(node: Node, dropped: ReadonlySet<number>, added: readonly string[]): Edit[] {
    if (!dropped.size && !added.length) return [];
    const children = node.type === "object" ? membersOf(node).map(({ property }) => property) : elementsOf(node);
    const kept = children.flatMap((_, index) => (dropped.has(index) ? [] : [index]));
    const last = kept.at(-1);
    if (last === undefined) return this.refill(node, children, added);
    const edits: Edit[] = [];
    const cut = (from: number, to: number, content = ""): void => {
      if (to > from || content) edits.push({ offset: from, length: to - from, content });
    };
    const first = kept[0] ?? 0;
    if (first > 0) cut(children[0]!.offset, children[first]!.offset);
    kept.forEach((index, place) => {
      const next = kept[place + 1];
      if (next !== undefined && next > index + 1) cut(endOf(children[index]!), endOf(children[next - 1]!));
    });
    const gap = added.length ? this.gapBefore(node, children, last) : "";
    cut(endOf(children[last]!), endOf(children.at(-1)!), added.map((text) => `,${gap}${text}`).join(""));
    return edits;
  }

  // A container of which nothing stays.
  private refill(node: Node, children: readonly Node[], added: readonly string[]): Edit[] {
    const start = node.offset + 1;
    const [first, last] = [children[0], children.at(-1)];
    if (first && last && added.length) {
      const gap = this.gapBefore(node, children, 0);
      return [{ offset: first.offset, length: endOf(last) - first.offset, content: added.join(`,${gap}`) }];
    }
    if (!added.length && !first) return [];
    const isOpen = node.parent?.parent === this.document.root || node === this.document.root;
    const whole = this.wrap("{", added, "}", this.indentAt(node.offset), isOpen);
    return [{ offset: start, length: node.length - 2, content: added.length ? whole.slice(1, -1) : "" }];
  }

  // The space that stands before a child, for another one like it.
  private gapBefore(node: Node, children: readonly Node[], index: number): string {
    const from = index === 0 ? node.offset + 1 : endOf(children[index - 1]!);
    const between = this.document.text.slice(from, children[index]!.offset);
    const behind = between.slice(between.lastIndexOf(",") + 1);
    const line = behind.lastIndexOf("\n");
    if (line >= 0) return this.style.eol + behind.slice(line + 1);
    return index === 0 ? (this.style.isCompact ? "" : " ") : behind;
  }

  private indentAt(offset: number): string {
    const start = this.document.text.lastIndexOf("\n", offset - 1) + 1;
    return /^[ \t]*/.exec(this.document.text.slice(start, offset))?.[0] ?? "";
  }
}

const inOrder = (edits: Edit[]): Edit[] => edits.sort((one, other) => one.offset - other.offset);

// As editDocument, for one value anywhere in the text.
export function editNode(document: PolicyDocument, node: Node, change: Change): Edit[] {
  return change.kind === "drop" ? [] : inOrder(new Editor(document).editValue(node, change));
}

export function applyEdits(text: string, edits: readonly Edit[]): string {
  let at = 0;
  const parts = edits.flatMap(({ offset, length, content }) => {
    const before = text.slice(at, offset);
    at = offset + length;
    return [before, content];
  });
  return parts.join("") + text.slice(at);
}

export function editDocument(document: PolicyDocument, changes: Changes): Edit[] {
  return inOrder(new Editor(document).editObject(document.root, changes));
}
