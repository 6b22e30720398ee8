// JSON text that JSON.parse takes, as a tree whose nodes know their place in the text; must not be given any other.
// It is read anew after every edit of up to thousands of rules, so it makes one node for a value and nothing besides.

export type NodeType = "object" | "array" | "property" | "string" | "number" | "boolean" | "null";

export class Node {
  length = 0;
  children: Node[] | undefined = undefined;
  value: string | number | boolean | null | undefined = undefined;
  // Of a property.
  colonOffset: number | undefined = undefined;

  constructor(readonly type: NodeType, readonly offset: number, readonly parent: Node | undefined) {}
}

export class DuplicateKeyError extends Error {
  constructor(readonly key: string) {
    super(`The key "${key}" stands twice.`);
  }
}

const QUOTE = 0x22, BACKSLASH = 0x5c, COMMA = 0x2c, COLON = 0x3a, OPEN_LIST = 0x5b, CLOSE_LIST = 0x5d, OPEN = 0x7b, CLOSE = 0x7d;
// Up to so many keys are compared one by one.
const FEW = 8;

function findTwice(members: readonly Node[]): string | undefined {
  const many = members.length > FEW ? new Set<unknown>() : null;
  for (let at = 0; at < members.length; at++) {
    const key = members[at]!.children![0]!.value as string;
    if (many) {
      if (many.size === many.add(key).size) return key;
    } else for (let before = 0; before < at; before++) if (members[before]!.children![0]!.value === key) return key;
  }
  return undefined;
}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  value(parent: Node | undefined): Node {
    this.skipSpace();
    const code = this.text.charCodeAt(this.at);
    if (code === QUOTE) return this.string(parent);
    if (code === OPEN || code === OPEN_LIST) return this.container(code === OPEN ? "object" : "array", parent);
    return this.word(parent);
  }

  private skipSpace(): void {
    while (this.text.charCodeAt(this.at) <= 0x20) this.at += 1;
  }

  private string(parent: Node | undefined): Node {
    const { text } = this;
    const node = new Node("string", this.at, parent);
    let isPlain = true;
    let end = this.at + 1;
    for (let code = text.charCodeAt(end); code !== QUOTE; code = text.charCodeAt(end)) {
      if (code === BACKSLASH) isPlain = false;
      end += code === BACKSLASH ? 2 : 1;
    }
    node.value = isPlain ? text.slice(this.at + 1, end) : (JSON.parse(text.slice(this.at, end + 1)) as string);
    return this.finish(node, end + 1);
  }

  private word(parent: Node | undefined): Node {
    const start = this.at;
    let end = start;
    for (let code = this.text.charCodeAt(end); code > 0x20 && code !== COMMA && code !== CLOSE && code !== CLOSE_LIST; code = this.text.charCodeAt(end)) end += 1;
    const value = JSON.parse(this.text.slice(start, end)) as number | boolean | null;
    const node = new Node(value === null ? "null" : typeof value === "number" ? "number" : "boolean", start, parent);
    node.value = value;
    return this.finish(node, end);
  }

  private container(type: "object" | "array", parent: Node | undefined): Node {
    const node = new Node(type, this.at, parent);
    const children: Node[] = [];
    node.children = children;
    const close = type === "object" ? CLOSE : CLOSE_LIST;
    this.at += 1;
    this.skipSpace();
    while (this.text.charCodeAt(this.at) !== close) {
      children.push(type === "object" ? this.property(node) : this.value(node));
      this.skipSpace();
      if (this.text.charCodeAt(this.at) === COMMA) this.at += 1;
      this.skipSpace();
    }
    const twice = type === "object" ? findTwice(children) : undefined;
    if (twice !== undefined) throw new DuplicateKeyError(twice);
    return this.finish(node, this.at + 1);
  }

  private property(parent: Node): Node {
    const node = new Node("property", this.at, parent);
    const key = this.string(node);
    this.skipSpace();
    if (this.text.charCodeAt(this.at) !== COLON) throw new SyntaxError("no colon");
    node.colonOffset = this.at;
    this.at += 1;
    const value = this.value(node);
    node.children = [key, value];
    return this.finish(node, this.at);
  }

  private finish(node: Node, end: number): Node {
    node.length = end - node.offset;
    this.at = end;
    return node;
  }
}

// Throws SyntaxError for what is no JSON, and DuplicateKeyError: two readers could take that for two different policies.
export function readTree(text: string): Node {
  JSON.parse(text);
  return new Reader(text).value(undefined);
}
