// Argument rules as forms: what of an entry the form can draw, and which fields a tool's input schema gives.
import { elementsOf, membersOf, stringOf, textOf, type Node, type PolicyDocument } from "./document";

export type Kind = "require" | "deny_if";
export const KINDS: readonly Kind[] = ["require", "deny_if"];
export type Op = "in" | "not_in" | "eq" | "lte" | "gte" | "lt" | "gt";

export interface Field {
  name: string;
  type: "choice" | "flag" | "number" | "text";
  // As JSON texts.
  choices: readonly string[];
}

export interface DrawnEntry {
  kind: Kind;
  index: number;
  pointer: string;
  field: Field;
  op: Op;
  // The value's JSON texts, as they are spelled in the document.
  values: readonly string[];
  onDeny: string;
}

const OPS: Record<Field["type"], readonly Op[]> = {
  choice: ["in", "not_in"], flag: ["eq"], number: ["lte", "gte", "lt", "gt"], text: ["in", "not_in", "lte", "gte"],
};
const PATH = /^args\.([A-Za-z_][A-Za-z0-9_]*)$/;
export const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?$/;

export const opsFor = (field: Field): readonly Op[] => OPS[field.type];

type Schema = Record<string, unknown>;
const isSchema = (value: unknown): value is Schema => typeof value === "object" && value !== null && !Array.isArray(value);

// One alternative of `T | null` is T; other combinations are for the JSON side.
function plainOf(schema: Schema): Schema | null {
  const options = schema["anyOf"] ?? schema["oneOf"];
  if (schema["$ref"] !== undefined || schema["allOf"] !== undefined) return null;
  if (!Array.isArray(options)) return schema;
  const rest = options.filter((option) => isSchema(option) && option["type"] !== "null");
  return rest.length === 1 && isSchema(rest[0]) ? plainOf(rest[0]) : null;
}

function fieldOf(name: string, schema: unknown): Field | null {
  const plain = isSchema(schema) ? plainOf(schema) : null;
  if (!plain) return null;
  const types = [plain["type"]].flat().filter((type) => type !== "null");
  const choices = Array.isArray(plain["enum"]) ? plain["enum"].filter((value) => value !== null).map((value) => JSON.stringify(value)) : [];
  const field = (type: Field["type"]): Field => ({ name, type, choices });
  if (choices.length) return field("choice");
  if (types.length !== 1) return null;
  if (types[0] === "boolean") return field("flag");
  if (types[0] === "number" || types[0] === "integer") return field("number");
  return types[0] === "string" ? field("text") : null;
}

export function fieldsOf(schema: Schema): Field[] {
  const properties = schema["properties"];
  if (!isSchema(properties)) return [];
  return Object.entries(properties).flatMap(([name, part]) => (PATH.test(`args.${name}`) ? fieldOf(name, part) ?? [] : []));
}

function valuesOf(document: PolicyDocument, op: Op, value: Node): string[] | null {
  const isList = op === "in" || op === "not_in";
  const nodes = isList ? elementsOf(value) : [value];
  const isFit = isList ? value.type === "array" : true;
  const scalars = ["string", "number", "boolean"];
  if (!isFit || !nodes.every((node) => scalars.includes(node.type))) return null;
  return nodes.map((node) => textOf(document, node));
}

// One condition on one argument; whatever else an entry holds is for the JSON side.
export function drawEntry(
  document: PolicyDocument, entry: Node, place: { kind: Kind; index: number; pointer: string }, fields: readonly Field[],
): DrawnEntry | null {
  const members = new Map(membersOf(entry).map(({ key, value }) => [key, value]));
  const conditions = elementsOf(members.get("conditions"));
  const onDeny = members.has("on_deny") ? stringOf(members.get("on_deny")) : "";
  if ([...members.keys()].some((key) => key !== "conditions" && key !== "on_deny") || onDeny === undefined) return null;
  const [condition] = conditions;
  if (conditions.length !== 1 || !condition) return null;
  const parts = new Map(membersOf(condition).map(({ key, value }) => [key, value]));
  const name = PATH.exec(stringOf(parts.get("path")) ?? "")?.[1];
  const field = fields.find((each) => each.name === name);
  const op = stringOf(parts.get("op"));
  const value = parts.get("value");
  if (!field || !value || parts.size !== 3 || !opsFor(field).some((each) => each === op)) return null;
  const values = valuesOf(document, op as Op, value);
  if (!values || (field.type === "choice" && !values.every((text) => field.choices.includes(text)))) return null;
  if (field.type === "flag" && value.type !== "boolean") return null;
  return { ...place, field, op: op as Op, values, onDeny };
}

export const isListOp = (op: Op): boolean => op === "in" || op === "not_in";

// What stands in a text box for JSON texts, and back; null when it does not say a value.
export const showValues = (values: readonly string[]): string =>
  values.map((text) => (text.startsWith('"') ? String(JSON.parse(text)) : text)).join(", ");

export function readValues(op: Op, typed: string, before: readonly string[] = []): string[] | null {
  if (isListOp(op)) {
    const words = typed.split(",").map((word) => word.trim()).filter(Boolean);
    const known = new Map(before.map((text) => [showValues([text]), text]));
    return words.length ? words.map((word) => known.get(word) ?? JSON.stringify(word)) : null;
  }
  const number = typed.trim();
  if (!NUMBER.test(number)) return null;
  return [before[0]?.startsWith('"') ? JSON.stringify(number) : number];
}

export const writeValue = (op: Op, values: readonly string[]): string =>
  isListOp(op) ? `[${values.join(", ")}]` : (values[0] ?? "null");

export function writeEntry(field: Field, op: Op, values: readonly string[], onDeny: string): string {
  const condition = `{"path": ${JSON.stringify(`args.${field.name}`)}, "op": "${op}", "value": ${writeValue(op, values)}}`;
  const reason = onDeny ? `, "on_deny": ${JSON.stringify(onDeny)}` : "";
  return `{"conditions": [${condition}]${reason}}`;
}
