// JSON for CodeMirror, under the node names of @lezer/json. The whole text is read at once: a hand-written reader takes
// a few milliseconds for thousands of rules, where a generated one takes ten times that after each edit of them all.
import {
  continuedIndent, defineLanguageFacet, foldInside, foldNodeProp, indentNodeProp, Language,
} from "@codemirror/language";
import { NodeProp, NodeSet, NodeType, Parser, Tree, type Input, type PartialParse, type TreeFragment } from "@lezer/common";
import { styleTags, tags } from "@lezer/highlight";

const NAMES = [
  "⚠", "JsonText", "True", "False", "Null", "Number", "String", "}", "{", "Object", "Property", "PropertyName", ":", ",", "]", "[", "Array",
] as const;
type Name = (typeof NAMES)[number];
const ID = Object.fromEntries(NAMES.map((name, id) => [name, id])) as Record<Name, number>;
const PAIRS: Partial<Record<Name, [NodeProp<readonly string[]>, string]>> = {
  "{": [NodeProp.closedBy, "}"], "}": [NodeProp.openedBy, "{"], "[": [NodeProp.closedBy, "]"], "]": [NodeProp.openedBy, "["],
};

const nodes = new NodeSet(NAMES.map((name, id) => {
  const pair = PAIRS[name];
  return NodeType.define({ id, name, top: id === ID.JsonText, error: id === 0, props: pair ? [[pair[0], [pair[1]]]] : [] });
})).extend(
  styleTags({
    String: tags.string, Number: tags.number, "True False": tags.bool, PropertyName: tags.propertyName, Null: tags.null,
    ", :": tags.separator, "[ ]": tags.squareBracket, "{ }": tags.brace, "⚠": tags.invalid,
  }),
  indentNodeProp.add({ Object: continuedIndent({ except: /^\s*\}/ }), Array: continuedIndent({ except: /^\s*\]/ }) }),
  foldNodeProp.add({ "Object Array": foldInside }),
);

const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[a-z]+/y;
const WORDS: Record<string, Name> = { true: "True", false: "False", null: "Null" };
const JUNK = /"[^\n]*|[^\s{}[\]:,"]+|./uy;
const CLOSING = /[,\]}]/y;
// Deeper than any policy; a reader that calls itself has an end.
const DEEPEST = 200;

class Reading {
  // Four numbers a node, children before parents: type, start, end, and how many numbers the node is with what is in it.
  private readonly buffer: number[] = [];
  private at = 0;
  private depth = 0;
  private arrays = 0;

  constructor(private readonly text: string) {}

  tree(): Tree {
    for (this.skip(); this.at < this.text.length; this.skip()) if (!this.value()) this.junk();
    return Tree.build({ buffer: this.buffer, nodeSet: nodes, topID: ID.JsonText, length: this.text.length });
  }

  private emit(name: Name, from: number, to: number, mark = this.buffer.length): void {
    this.buffer.push(ID[name], from, to, this.buffer.length + 4 - mark);
    this.at = to;
  }

  private skip(): void {
    for (let code = this.text.charCodeAt(this.at); code === 32 || code === 10 || code === 13 || code === 9; code = this.text.charCodeAt(this.at)) this.at += 1;
  }

  // The end of what a pattern takes from here, 0 for nothing.
  private match(pattern: RegExp): number {
    pattern.lastIndex = this.at;
    return pattern.test(this.text) ? pattern.lastIndex : 0;
  }

  private token(pattern: RegExp, name: Name): boolean {
    const end = this.match(pattern);
    if (end > this.at) this.emit(name, this.at, end);
    return end > 0;
  }

  private junk(): void {
    this.emit("⚠", this.at, Math.max(this.match(JUNK), this.at + 1));
  }

  private missing(): void {
    this.emit("⚠", this.at, this.at);
  }

  // False, and nothing read, where no value begins.
  private value(): boolean {
    const sign = this.text[this.at];
    if (sign === undefined) return false;
    if (sign === '"') return this.token(STRING, "String");
    if (sign === "{" || sign === "[") return this.depth < DEEPEST && this.container(sign);
    if (sign === "-" || (sign >= "0" && sign <= "9")) return this.token(NUMBER, "Number");
    const name = WORDS[this.text.slice(this.at, this.match(WORD))];
    return name !== undefined && this.token(WORD, name);
  }

  private container(sign: "{" | "["): boolean {
    const isObject = sign === "{";
    const [start, mark] = [this.at, this.buffer.length];
    this.depth += 1;
    if (!isObject) this.arrays += 1;
    this.emit(sign, start, start + 1);
    this.members(isObject);
    this.depth -= 1;
    if (!isObject) this.arrays -= 1;
    this.emit(isObject ? "Object" : "Array", start, this.at, mark);
    return true;
  }

  private members(isObject: boolean): void {
    const close = isObject ? "}" : "]";
    for (this.skip(); ; this.skip()) {
      const sign = this.text[this.at];
      // What closes something around this one closes this one too.
      if (sign === undefined || (sign === (isObject ? "]" : "}") && (isObject ? this.arrays > 0 : this.depth > this.arrays))) return this.missing();
      if (sign === close) return this.emit(close, this.at, this.at + 1);
      if (sign === ",") this.emit(",", this.at, this.at + 1);
      else if (!(isObject ? this.property() : this.value())) this.junk();
    }
  }

  private property(): boolean {
    const [start, mark] = [this.at, this.buffer.length];
    if (!this.token(STRING, "PropertyName")) return false;
    const end = this.at;
    this.skip();
    if (this.text[this.at] === ":") {
      this.emit(":", this.at, this.at + 1);
      this.skip();
      if (!this.value()) this.match(CLOSING) || this.at === this.text.length ? this.missing() : this.junk();
    } else {
      this.at = end;
      this.missing();
    }
    this.emit("Property", start, this.at, mark);
    return true;
  }
}

class WholeParse implements PartialParse {
  readonly stoppedAt = null;
  parsedPos = 0;

  constructor(private readonly input: Input, private readonly end: number) {}

  advance(): Tree {
    this.parsedPos = this.end;
    return new Reading(this.input.read(0, this.end)).tree();
  }

  stopAt(): void {
    // It is done before anybody could ask.
  }
}

class JsonParser extends Parser {
  createParse(input: Input, _fragments: readonly TreeFragment[], ranges: readonly { from: number; to: number }[]): PartialParse {
    return new WholeParse(input, ranges.at(-1)?.to ?? input.length);
  }
}

export const jsonLanguage = new Language(
  defineLanguageFacet({ closeBrackets: { brackets: ["[", "{", '"'] }, indentOnInput: /^\s*[}\]]$/ }),
  new JsonParser(), [], "json",
);
