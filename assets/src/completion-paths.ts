// The argument paths of a tool's input schema, as policies write them, with the values that each may have.
import type { PolicyTool } from "./policy-data";

export interface PathFacts {
  types: Set<string>;
  values: unknown[];
}

export type Paths = ReadonlyMap<string, PathFacts>;
type Schema = Record<string, unknown>;

const MAX_DEPTH = 6;
const MAX_PATHS = 300;
const BARE = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;
const known = new WeakMap<PolicyTool, Paths>();

const isSchema = (value: unknown): value is Schema => typeof value === "object" && value !== null && !Array.isArray(value);
const stepOf = (name: string): string => (BARE.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`);

function refer(root: Schema, reference: string): unknown {
  let at: unknown = root;
  for (const part of reference.split("/").slice(1)) {
    at = isSchema(at) ? at[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }
  return at;
}

// A schema with what it refers to and is combined of.
function partsOf(schema: unknown, root: Schema, depth = 0): Schema[] {
  if (!isSchema(schema) || depth > MAX_DEPTH) return [];
  const reference = schema["$ref"];
  const inner = ["anyOf", "oneOf", "allOf"].flatMap((name) => (Array.isArray(schema[name]) ? (schema[name] as unknown[]) : []));
  if (typeof reference === "string" && reference.startsWith("#")) inner.push(refer(root, reference));
  return [schema, ...inner.flatMap((part) => partsOf(part, root, depth + 1))];
}

function note(facts: PathFacts, part: Schema): void {
  for (const type of [part["type"]].flat()) if (typeof type === "string" && type !== "null") facts.types.add(type);
  const values = Array.isArray(part["enum"]) ? (part["enum"] as unknown[]) : "const" in part ? [part["const"]] : [];
  facts.values.push(...values.filter((value) => value !== null));
}

function walk(schema: unknown, path: string, root: Schema, found: Map<string, PathFacts>, depth: number): void {
  if (depth > MAX_DEPTH || found.size > MAX_PATHS) return;
  const facts = found.get(path) ?? { types: new Set<string>(), values: [] };
  if (depth) found.set(path, facts);
  for (const part of partsOf(schema, root)) {
    note(facts, part);
    const properties = part["properties"];
    if (isSchema(properties)) for (const [name, inner] of Object.entries(properties)) walk(inner, path + stepOf(name), root, found, depth + 1);
    if (isSchema(part["items"])) walk(part["items"], `${path}[*]`, root, found, depth + 1);
  }
}

export function pathsOf(tool: PolicyTool): Paths {
  const before = known.get(tool);
  if (before) return before;
  const found = new Map<string, PathFacts>();
  walk(tool.input_schema, "args", tool.input_schema, found, 0);
  known.set(tool, found);
  return found;
}

const asList = (path: string): string => path.replaceAll(/\[\d+\]/g, "[*]");
const endOf = (each: string): string => (each.endsWith("[*]") ? asList(each) : `${asList(each)}[*]`);

// A path from `args` on, so that `item.x` of an entry with `each` is found too.
export const fullPath = (path: string, each: string | null): string =>
  asList(each !== null && /^item(?=[.[]|$)/.test(path) ? endOf(each) + path.slice("item".length) : path);

// Every path that a condition of these tools may name, and in how many of them it is known.
export function listPaths(tools: readonly PolicyTool[], each: string | null): Map<string, { facts: PathFacts; count: number }> {
  const found = new Map<string, { facts: PathFacts; count: number }>();
  const add = (path: string, facts: PathFacts): void => {
    const one = found.get(path);
    if (one) one.count += 1;
    else found.set(path, { facts, count: 1 });
  };
  const prefix = each === null ? null : endOf(each);
  for (const tool of tools) {
    for (const [path, facts] of pathsOf(tool)) {
      if (prefix !== null && path.startsWith(prefix)) add(`item${path.slice(prefix.length)}`, facts);
      add(path, facts);
    }
  }
  return found;
}

export function describeFacts({ types, values }: PathFacts): string {
  if (values.length) return values.length === 1 ? `always ${String(values[0])}` : `one of ${values.length}`;
  const words: Record<string, string> = { string: "text", integer: "number", boolean: "true or false", array: "list" };
  return [...new Set([...types].map((type) => words[type] ?? type))].join(" or ");
}
