// Completion in a policy's text: what the engine's grammar and the server's tools allow where the caret is. Loaded when
// an editor is first entered. It offers and inserts; what is wrong is said by the server alone.
import {
  autocompletion, pickedCompletion, startCompletion, type Completion, type CompletionContext, type CompletionResult,
} from "@codemirror/autocomplete";
import type { EditorState, Extension, TransactionSpec } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { matchName } from "./builder/names";
import { describeFacts, fullPath, listPaths } from "./completion-paths";
import { placeAt, tokenAt, type Frame, type Place } from "./completion-place";
import { policyData, type Keys, type PolicyData, type PolicyTool } from "./policy-data";

// A text to insert, with the part of it that is selected afterwards.
interface Stub {
  text: string;
  from: number;
  to: number;
}

interface Option {
  label: string;
  detail: string;
  stub: Stub;
  boost?: number;
}

const LIST_OPS = ["in", "not_in"];
const ORDER_OPS = ["lt", "lte", "gt", "gte"];
const MOST = 99;

const caretAt = (text: string, at: number): Stub => ({ text, from: at, to: at });
const written = (text: string): Stub => caretAt(text, text.length);
const inside = (text: string): Stub => caretAt(text, text.length - 1);
const behind = (text: string, stub: Stub): Stub => ({ text: text + stub.text, from: text.length + stub.from, to: text.length + stub.to });

class Completer {
  // The shape of each frame, null where the grammar knows nothing.
  private readonly shapes: (string | null)[] = ["policy"];

  constructor(private readonly data: PolicyData, private readonly place: Place) {
    place.frames.forEach((frame, index) => this.shapes.push(this.shapeIn(frame, this.shapes[index] ?? null, place.steps[index] ?? "")));
  }

  list(): Option[] {
    const { frames, isKey } = this.place;
    const inner = frames.at(-1);
    if (!inner) return [];
    if (isKey) return this.listKeys(inner, this.shapes[frames.length - 1] ?? null);
    return this.listValues(this.shapes.at(-1) ?? null, inner);
  }

  private shapeIn(frame: Frame, shape: string | null, step: string | number): string | null {
    if (!frame.isObject) {
      if (shape === "amount") return "case";
      return shape === "value" ? shape : (/^\[(.*)\]$/.exec(shape ?? "")?.[1] ?? null);
    }
    return shape === "tools" ? "rule" : (this.keysOf(shape)?.[step]?.[1] ?? null);
  }

  private keysOf(shape: string | null): Keys | undefined {
    const { objects } = this.data.grammar;
    if (shape === "value") return this.opOf() === "within" ? objects["hours"] : objects["other"];
    return shape === null ? undefined : objects[shape];
  }

  private nearest(shape: RegExp): Frame | undefined {
    return this.place.frames.findLast((_, index) => shape.test(this.shapes[index] ?? ""));
  }

  private get condition(): Frame | undefined {
    return this.nearest(/^condition$/);
  }

  private opOf(): string {
    return this.condition?.texts.get("op") ?? "";
  }

  private get each(): string | null {
    return this.nearest(/entry$/)?.texts.get("each") ?? null;
  }

  // The tools that the part of the policy around the caret speaks about.
  private get tools(): readonly PolicyTool[] {
    const { tools } = this.data;
    const [part, name] = this.place.steps;
    if (part === "tools") return tools.filter((tool) => matchName(String(name), tool.name));
    if (part === "risk") return tools.filter((tool) => tool.level === name);
    const chosen = this.nearest(/^chosen/);
    const [only, but] = [chosen?.lists.get("for"), chosen?.lists.get("except")];
    const isIn = (names: readonly string[], tool: PolicyTool): boolean => names.some((each) => matchName(each, tool.name));
    if (only) return tools.filter((tool) => isIn(only, tool));
    return but ? tools.filter((tool) => !isIn(but, tool)) : tools;
  }

  private listKeys(frame: Frame, shape: string | null): Option[] {
    if (shape === "tools") {
      return this.listNames(frame.texts.keys()).map((option) => ({ ...option, stub: behind(`${option.stub.text}: `, inside("{}")) }));
    }
    if (shape === "amount" && frame.texts.size) return [];
    const keys = Object.entries(this.keysOf(shape) ?? {}).filter(([key]) => !frame.texts.has(key));
    return keys.map(([key, [detail, inner]], index) => ({
      label: key, detail, stub: behind(`${JSON.stringify(key)}: `, this.startOf(inner)), boost: MOST - index,
    }));
  }

  // What a new key stands with: always JSON, however little it says yet.
  private startOf(shape: string): Stub {
    if (shape === "value") return this.startOfValue();
    if (shape === "number") return { text: "1", from: 0, to: 1 };
    if (shape.startsWith("[")) return inside("[]");
    const isObject = shape === "tools" || (shape in this.data.grammar.objects && shape !== "amount");
    return inside(isObject ? "{}" : '""');
  }

  private startOfValue(): Stub {
    const op = this.opOf();
    if (LIST_OPS.includes(op)) return inside("[]");
    if (op === "within") return inside("{}");
    if (op === "exists") return { text: "true", from: 0, to: 4 };
    return ORDER_OPS.includes(op) ? { text: "0", from: 0, to: 1 } : inside('""');
  }

  private listValues(shape: string | null, frame: Frame): Option[] {
    if (shape === null) return [];
    const { objects, words } = this.data.grammar;
    if (shape === "name") return this.listNames(frame.elements);
    if (shape === "value") return this.listCompared(frame);
    if (shape === "path") return this.listPaths(false);
    if (shape === "list path") return this.listPaths(true);
    if (shape === "amount") {
      return [...this.listPaths(false), { label: "{}", detail: "sum, count, product and others", stub: inside("{}") }, { label: "[]", detail: "cases", stub: inside("[]") }];
    }
    if (shape.startsWith("[")) return [{ label: "[]", detail: "a list", stub: inside("[]") }];
    if (shape === "tools" || shape in objects) return [{ label: "{}", detail: shape.replace(/^chosen /, ""), stub: inside("{}") }];
    const list = words[shape === "op" ? this.opsHere() : shape] ?? {};
    const there = frame.isObject ? [] : frame.elements;
    return Object.entries(list).filter(([word]) => !there.includes(word)).map(([word, detail], index) => ({
      label: word, detail, stub: written(JSON.stringify(word)), boost: MOST - index,
    }));
  }

  private opsHere(): string {
    if (this.condition?.texts.get("path") === "call.time") return "time op";
    return this.condition?.texts.has("amount") ? "amount op" : "op";
  }

  private listNames(there: Iterable<string>): Option[] {
    const taken = new Set(there);
    const names = this.data.tools.map(({ name, title, level }) => ({ label: name, detail: title ? `${title}, ${level}` : level }));
    const patterns = new Map<string, number>();
    for (const { name } of this.data.tools) {
      const start = /^[a-z]+(?=[A-Z_.-])/.exec(name)?.[0];
      if (start) patterns.set(`${start}*`, (patterns.get(`${start}*`) ?? 0) + 1);
    }
    const several = [...patterns].filter(([, count]) => count > 1).map(([label, count]) => ({ label, detail: `${count} tools`, boost: 1 }));
    return [...several, ...names].filter(({ label }) => !taken.has(label)).map((option) => ({ ...option, stub: written(JSON.stringify(option.label)) }));
  }

  private listPaths(isList: boolean): Option[] {
    const { tools } = this;
    const depthOf = (path: string): number => path.split(/[.[]/).length;
    const found = [...listPaths(tools, isList ? null : this.each)].filter(([path]) => !isList || path.endsWith("[*]"));
    const options = found.map(([path, { facts, count }]) => ({
      label: path, detail: tools.length === 1 ? describeFacts(facts) : `in ${count} of ${tools.length} tools`,
      stub: written(JSON.stringify(path)), boost: (path.startsWith("item") ? MOST : MOST / 2) - depthOf(path),
    }));
    const isTimeFit = !isList && this.shapes.at(-1) === "path" && this.shapes[this.place.frames.length - 1] === "condition";
    return isTimeFit ? [...options, { label: "call.time", detail: "when the call is made", stub: written('"call.time"') }] : options;
  }

  private listCompared(frame: Frame): Option[] {
    const op = this.opOf();
    const { condition } = this;
    if (op === "within") return [{ label: "{}", detail: "days and hours", stub: inside("{}") }];
    if (op === "exists") return [["true", "is given"], ["false", "is left out"]].map(([label = "", detail = ""]) => ({ label, detail, stub: written(label) }));
    if (LIST_OPS.includes(op) && frame === condition) return [{ label: "[]", detail: "a list of values", stub: inside("[]") }];
    const other = { label: "{}", detail: "another argument", stub: inside("{}"), boost: -MOST };
    return [...this.listEnum(condition?.texts.get("path") ?? "", frame), ...(frame === condition && op !== "matches" && op !== "regex" ? [other] : [])];
  }

  private listEnum(path: string, frame: Frame): Option[] {
    const full = fullPath(path, this.each);
    const facts = listPaths(this.tools, null).get(full)?.facts;
    const values = facts?.values.length ? facts.values : facts?.types.has("boolean") ? [true, false] : [];
    const there = frame.isObject ? [] : frame.elements;
    return [...new Set(values)].filter((value) => !there.includes(String(value))).map((value) => ({
      label: String(value), detail: path, stub: written(JSON.stringify(value)),
    }));
  }
}

// The change that puts an option in place of the token at the caret, with the commas that it needs on both sides.
export function insertOption(state: EditorState, at: number, stub: Stub): TransactionSpec {
  const text = state.doc.toString();
  const place = placeAt(text, at);
  const { from, to } = place?.token ?? tokenAt(text, at);
  const next = /^\s*(.?)/s.exec(text.slice(to))?.[1] ?? "";
  const hasColon = place?.isKey && next === ":";
  // A key that has its value keeps it.
  const kept = hasColon ? written(stub.text.slice(0, keyEnd(stub.text))) : stub;
  const comma = !hasColon && next !== "" && !"}],".includes(next) ? "," : "";
  const before = place && place.commaAt >= 0 ? [{ from: place.commaAt, insert: "," }] : [];
  const start = from + before.length;
  return {
    changes: [...before, { from, to, insert: kept.text + comma }],
    selection: { anchor: start + kept.from, head: start + kept.to },
    scrollIntoView: true,
    userEvent: "input.complete",
  };
}

const keyEnd = (text: string): number => /^"(?:[^"\\]|\\.)*"/.exec(text)?.[0].length ?? text.length;

const isOpen = ({ text, from, to }: Stub): boolean => from === to && from < text.length;

function toCompletion({ label, detail, stub, boost }: Option): Completion {
  return {
    label,
    detail,
    ...(boost === undefined ? {} : { boost }),
    apply: (view, completion) => {
      const spec = insertOption(view.state, view.state.selection.main.head, stub);
      view.dispatch(view.state.update(spec, { annotations: pickedCompletion.of(completion) }));
      if (isOpen(stub)) startCompletion(view);
    },
  };
}

export function listOptions(data: PolicyData, text: string, at: number): Option[] {
  const place = placeAt(text, at);
  return place ? new Completer(data, place).list() : [];
}

export function completePolicy(data: PolicyData, context: CompletionContext): CompletionResult | null {
  const text = context.state.doc.toString();
  const token = tokenAt(text, context.pos);
  if (!context.explicit && !token.isQuoted && token.from === context.pos) return null;
  const options = listOptions(data, text, context.pos);
  if (!options.length) return null;
  return {
    from: token.isQuoted ? token.from + 1 : token.from,
    options: options.map(toCompletion),
    validFor: token.isQuoted ? /^[^"\\]*$/ : /^[^\s"{}[\]:,]+$/,
  };
}

// An editor whose tools cannot be had completes nothing; the builder beside it says why.
export async function policyCompletion(url: string): Promise<Extension> {
  const data = await policyData(url);
  return [
    autocompletion({ icons: false, override: [(context) => completePolicy(data, context)] }),
    EditorView.contentAttributes.of({ "aria-description": "Ctrl+Space shows what fits at the cursor." }),
  ];
}
