// Which parts of a policy a form can draw, and what stands in its boxes for the JSON values; the rest is for the JSON side.
import { elementsOf, membersOf, stringOf, textOf, type Node, type PolicyDocument } from "./document";
import type { PlaceType } from "./places";

export const KINDS = ["require", "deny_if", "approve_if"] as const;
export type Kind = (typeof KINDS)[number];
export type Part = Kind | "limits";
export const PARTS: readonly Part[] = [...KINDS, "limits"];
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export const FOLDS = ["sum", "count", "min", "max"] as const;
export const SCOPES = ["grant", "server", "organisation"] as const;
export const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?$/;

const MEMBERSHIP = ["in", "not_in"] as const;
const EQUALITY = ["eq", "neq"] as const;
const ORDER = ["lte", "gte", "lt", "gt"] as const;
const PATTERN = ["matches", "regex"] as const;
export type Op = (typeof MEMBERSHIP | typeof EQUALITY | typeof ORDER | typeof PATTERN)[number] | "contains" | "exists" | "within";

const OPS: Record<PlaceType, readonly Op[]> = {
  choice: [...MEMBERSHIP, ...EQUALITY, "exists"],
  flag: [...EQUALITY, "exists"],
  number: [...ORDER, ...EQUALITY, ...MEMBERSHIP, "exists"],
  text: [...MEMBERSHIP, ...EQUALITY, ...ORDER, "contains", ...PATTERN, "exists"],
  list: ["contains", "exists"],
  object: ["exists"],
  any: [...MEMBERSHIP, ...EQUALITY, ...ORDER, "contains", ...PATTERN, "exists"],
  amount: [...ORDER, ...EQUALITY, ...MEMBERSHIP],
  time: ["within"],
};
const isOneOf = <T extends string>(words: readonly T[], word: string | undefined): word is T => words.some((each) => each === word);
export const opsFor = (type: PlaceType): readonly Op[] => OPS[type];
export const isListOp = (op: Op): boolean => isOneOf(MEMBERSHIP, op);
export const isOrderOp = (op: Op): boolean => isOneOf(ORDER, op);
export const takesArgument = (op: Op): boolean => op !== "exists" && op !== "within" && !isOneOf(PATTERN, op);

const fieldsOf = (node: Node): Map<string, Node> => new Map(membersOf(node).map(({ key, value }) => [key, value]));
const hasOnly = (fields: ReadonlyMap<string, Node>, ...known: string[]): boolean => [...fields.keys()].every((key) => known.includes(key));
const areTexts = (...nodes: (Node | undefined)[]): boolean => nodes.every((node) => !node || node.type === "string");
const isScalar = (node: Node): boolean => ["string", "number", "boolean"].includes(node.type);
// A box of one line holds no control characters.
const fitsBox = (node: Node): boolean => isScalar(node) && !/[\u0000-\u001f]/.test(stringOf(node) ?? "");

export const otherOf = (value: Node | undefined): Node | undefined => (value?.type === "object" ? membersOf(value).find(({ key }) => key === "path")?.value : undefined);

function isHoursDrawn(value: Node): boolean {
  const fields = fieldsOf(value);
  const days = fields.get("days");
  return value.type === "object" && hasOnly(fields, "days", "from", "to", "tz") && areTexts(fields.get("from"), fields.get("to"), fields.get("tz")) &&
    fields.has("from") === fields.has("to") && (!days || (days.type === "array" && elementsOf(days).every((day) => isOneOf(DAYS, stringOf(day)))));
}

function isValueDrawn(op: Op, value: Node): boolean {
  if (op === "within") return isHoursDrawn(value);
  if (op === "exists") return value.type === "boolean";
  if (value.type === "object") return takesArgument(op) && value.children?.length === 1 && otherOf(value)?.type === "string";
  if (isListOp(op)) return value.type === "array" && elementsOf(value).every(isScalar);
  // Null under an order is a number that nobody has written yet.
  if (isOrderOp(op)) return value.type === "number" || value.type === "null" || (value.type === "string" && fitsBox(value));
  return isOneOf(PATTERN, op) ? value.type === "string" && fitsBox(value) : fitsBox(value);
}

function isConditionDrawn(condition: Node): boolean {
  const fields = fieldsOf(condition);
  const [path, amount, op, value] = ["path", "amount", "op", "value"].map((key) => fields.get(key));
  const word = stringOf(op);
  if (fields.size !== 3 || !value || !Object.values(OPS).some((ops) => isOneOf(ops, word))) return false;
  if (amount) return isOneOf(OPS.amount, word) && isAmountDrawn(amount) && isValueDrawn(word, value);
  if (path?.type !== "string" || (path.value === "call.time") !== (word === "within")) return false;
  return isValueDrawn(word as Op, value);
}

function isAmountDrawn(amount: Node): boolean {
  if (amount.type === "string") return true;
  if (amount.type === "array") return elementsOf(amount).length > 0 && elementsOf(amount).every(isCaseDrawn);
  const [member, ...more] = membersOf(amount);
  if (!member || more.length) return false;
  if (member.key === "abs") return isAmountDrawn(member.value);
  if (member.key === "product") return elementsOf(member.value).length === 2 && areTexts(...elementsOf(member.value));
  return isOneOf(FOLDS, member.key) && member.value.type === "string";
}

function isCaseDrawn(node: Node): boolean {
  const fields = fieldsOf(node);
  const [when, amount] = [fields.get("when"), fields.get("amount")];
  return hasOnly(fields, "when", "amount") && !!amount && isAmountDrawn(amount) && (!when || areConditionsDrawn(when));
}

const areConditionsDrawn = (node: Node): boolean => node.type === "array" && elementsOf(node).every(isConditionDrawn);

// `isShared`: an entry of all_tools, which may name the tools that it holds for.
export function isDrawn(part: Part, node: Node, isShared = false): boolean {
  const fields = fieldsOf(node);
  const selectors = isShared ? ["for", "except"] : [];
  const chosen = selectors.flatMap((key) => fields.get(key) ?? []);
  if (node.type !== "object" || chosen.length > 1 || !chosen.every((list) => list.type === "array" && areTexts(...elementsOf(list)))) return false;
  if (part === "limits") {
    const [window, max, amount, scope] = ["window", "max", "amount", "scope"].map((key) => fields.get(key));
    return hasOnly(fields, "counter", "window", "max", "amount", "scope", "on_deny", ...selectors) && areTexts(fields.get("counter"), scope, fields.get("on_deny")) &&
      fields.has("counter") && !!window && isScalar(window) && !!max && (isScalar(max) || max.type === "null") && (!amount || isAmountDrawn(amount));
  }
  const reasons = part === "approve_if" ? ["on_deny", "reason"] : ["on_deny"];
  const conditions = fields.get("conditions");
  return hasOnly(fields, "conditions", "each", ...reasons, ...selectors) && !(fields.has("on_deny") && fields.has("reason")) &&
    areTexts(fields.get("each"), ...reasons.map((key) => fields.get(key))) && !!conditions && areConditionsDrawn(conditions);
}

// Nothing is left to fill in: no empty box, no empty list, nothing without a choice.
export function isWhole(node: Node): boolean {
  if (node.type === "null" || node.value === "") return false;
  const inner = node.type === "property" ? (node.children ?? []).slice(1) : (node.children ?? []);
  return (node.type !== "array" || inner.length > 0) && inner.every(isWhole);
}

export const textsOf = (document: PolicyDocument, value: Node | undefined): string[] =>
  !value || value.type === "null" ? [] : (value.type === "array" ? elementsOf(value) : [value]).map((node) => textOf(document, node));

const isText = (text: string): boolean => text.startsWith('"');

// What stands in a text box for JSON texts. In a list, a text that could be read otherwise stays in its quotes.
export function showValues(op: Op, texts: readonly string[]): string {
  const isMixed = texts.some((text) => !isText(text));
  const show = (text: string): string => {
    if (!isText(text)) return text;
    const plain = String(JSON.parse(text));
    return isListOp(op) && (isMixed || plain !== plain.trim() || /^$|[,"\u0000-\u001f]/.test(plain)) ? text : plain;
  };
  return texts.map(show).join(", ");
}

function literal(type: PlaceType, word: string): string | null {
  if (/^"(?:[^"\\]|\\.)*"$/.test(word)) {
    try {
      return JSON.stringify(JSON.parse(word));
    } catch {
      return null;
    }
  }
  const isBare = type === "amount" || type === "number" || type === "any";
  if (isBare && NUMBER.test(word)) return word;
  if (type === "amount") return null;
  return type === "any" && /^(?:true|false)$/.test(word) ? word : JSON.stringify(word);
}

// And back, every value that stood there before in its old spelling; null when it does not say a value.
export function readValues(op: Op, type: PlaceType, typed: string, before: readonly string[] = []): string[] | null {
  if (typed === showValues(op, before)) return before.length ? [...before] : null;
  if (isListOp(op)) {
    const words = [...typed.matchAll(/\s*("(?:[^"\\]|\\.)*"|[^,]+)\s*(?:,|$)/g)].map(([, word]) => (word ?? "").trim()).filter(Boolean);
    const isMixed = before.some((text) => !isText(text));
    const known = new Map(before.map((text) => [isMixed ? text : showValues(op, [text]), text]));
    const texts = words.map((word) => known.get(word) ?? literal(type, word));
    return texts.length && texts.every((text) => text !== null) ? texts : null;
  }
  if (isOrderOp(op) || type === "amount") {
    const number = typed.trim();
    if (!NUMBER.test(number)) return null;
    return [before[0] && isText(before[0]) ? JSON.stringify(number) : number];
  }
  if (!typed) return null;
  return isOneOf(PATTERN, op) || type === "text" ? [JSON.stringify(typed)] : [literal(type, typed) ?? JSON.stringify(typed)];
}

export const writeValue = (op: Op, texts: readonly string[]): string => (isListOp(op) ? `[${texts.join(", ")}]` : (texts[0] ?? ""));

// The value that a comparison starts with before anybody has filled it in.
export function blankValue(op: Op, type: PlaceType, zone = "UTC"): string {
  if (isListOp(op)) return "[]";
  if (op === "exists" || type === "flag") return "true";
  if (op === "within") return `{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00", "tz": ${JSON.stringify(zone)}}`;
  return isOrderOp(op) || type === "amount" ? "null" : '""';
}

// What becomes of a value when its comparison changes: it stays where it can.
export function carryValue(document: PolicyDocument, value: Node | undefined, op: Op, type: PlaceType): string {
  if (value && otherOf(value) && takesArgument(op)) return textOf(document, value);
  const texts = op === "exists" || op === "within" || value?.type === "object" ? [] : textsOf(document, value);
  if (isListOp(op)) return writeValue(op, texts.filter((text) => text !== '""'));
  const [first] = texts;
  if (first === undefined) return blankValue(op, type);
  const fits = isOrderOp(op) || type === "amount" ? NUMBER.test(showValues("eq", [first])) : !isOneOf(PATTERN, op) || isText(first);
  return fits ? first : blankValue(op, type);
}

const PATH_KEYS = ["path", "amount", ...FOLDS];

// Every path inside an entry's conditions, whatever it is compared or counted with.
export function pathsIn(node: Node): Node[] {
  return (node.children ?? []).flatMap((child) => {
    if (child.type !== "property") return pathsIn(child);
    const [key, value] = child.children ?? [];
    if (!key || !value) return [];
    if (key.value === "product") return elementsOf(value).filter((path) => path.type === "string");
    return value.type === "string" && PATH_KEYS.includes(String(key.value)) ? [value] : pathsIn(value);
  });
}
