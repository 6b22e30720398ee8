// The arguments that conditions and amounts can name, as the tools' input schemas tell them: path, type, choices.

export type PlaceType = "choice" | "flag" | "number" | "text" | "list" | "object" | "any" | "amount" | "time";

export interface Place {
  path: string;
  type: PlaceType;
  // As JSON texts.
  choices: readonly string[];
}

type Schema = Record<string, unknown>;

const MAX_NODES = 64;
const MAX_PLACES = 400;
const MAX_STEPS = 8;
const BARE = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;
const TYPES: Record<string, PlaceType> = {
  boolean: "flag", number: "number", integer: "number", string: "text", array: "list", object: "object",
};
const isSchema = (value: unknown): value is Schema => typeof value === "object" && value !== null && !Array.isArray(value);
const schemasOf = (value: unknown): Schema[] => (Array.isArray(value) ? value.filter(isSchema) : []);
const keysOf = (node: Schema): [string, unknown][] => (isSchema(node["properties"]) ? Object.entries(node["properties"]) : []);

function followReference(reference: unknown, root: Schema): Schema[] {
  if (typeof reference !== "string" || !reference.startsWith("#/")) return [];
  let node: unknown = root;
  for (const part of reference.slice(2).split("/")) {
    node = isSchema(node) ? node[part.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }
  return isSchema(node) ? [node] : [];
}

// The alternatives behind `$ref`, `anyOf`, `oneOf` and `allOf`, as policies/engine/schema.py has them; null is none.
function expand(nodes: readonly Schema[], root: Schema): Schema[] {
  const found: Schema[] = [];
  const waiting = [...nodes];
  for (let seen = 0; waiting.length && seen < MAX_NODES; seen += 1) {
    const node = waiting.shift()!;
    const inner = [...["anyOf", "oneOf", "allOf"].flatMap((key) => schemasOf(node[key])), ...followReference(node["$ref"], root)];
    waiting.push(...inner);
    if ((!inner.length || node["properties"] || node["items"] || node["enum"]) && node["type"] !== "null") found.push(node);
  }
  return found;
}

function describe(path: string, nodes: readonly Schema[]): Place {
  const enums = nodes.map((node) => (Array.isArray(node["enum"]) ? node["enum"] : "const" in node ? [node["const"]] : null));
  if (nodes.length && enums.every((values) => values !== null)) {
    const choices = new Set(enums.flat().filter((value) => value !== null).map((value) => JSON.stringify(value)));
    return { path, type: "choice", choices: [...choices] };
  }
  const types = new Set(nodes.flatMap((node) => [node["type"] ?? "any"].flat().filter((type) => type !== "null").map((type) => TYPES[String(type)] ?? "any")));
  const [type] = types;
  return { path, type: types.size === 1 && type ? type : "any", choices: [] };
}

const known = new WeakMap<Schema, readonly Place[]>();

export function placesOf(schema: Schema): readonly Place[] {
  const found = known.get(schema) ?? findPlaces(schema);
  known.set(schema, found);
  return found;
}

// Wide before deep, so that of a schema without end the arguments that people know come first.
function findPlaces(schema: Schema): Place[] {
  const found: Place[] = [];
  const waiting: { path: string; nodes: Schema[]; steps: number }[] = [{ path: "args", nodes: [schema], steps: 0 }];
  for (let at = 0; at < waiting.length && found.length < MAX_PLACES; at += 1) {
    const { path, nodes, steps } = waiting[at]!;
    const level = expand(nodes, schema);
    if (steps) found.push(describe(path, level));
    if (steps === MAX_STEPS) continue;
    const below = new Map<string, Schema[]>();
    for (const node of level) {
      for (const [key, part] of keysOf(node)) {
        const step = BARE.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
        below.set(step, [...(below.get(step) ?? []), ...(isSchema(part) ? [part] : [])]);
      }
      if (steps && isSchema(node["items"])) below.set("[*]", [...(below.get("[*]") ?? []), node["items"]]);
    }
    for (const [step, parts] of below) waiting.push({ path: path + step, nodes: parts, steps: steps + 1 });
  }
  return found;
}

// What several tools have, for a rule that serves them all.
export function joinPlaces(schemas: readonly Schema[]): Place[] {
  const found = new Map<string, Place>();
  for (const place of schemas.flatMap(placesOf)) {
    const known = found.get(place.path);
    if (!known) found.set(place.path, place);
    else if (known.type !== place.type) found.set(place.path, { ...known, type: "any", choices: [] });
    else if (place.choices.length) found.set(place.path, { ...known, choices: [...new Set([...known.choices, ...place.choices])] });
  }
  return [...found.values()];
}

// The elements of a list that `each` names, under the name `item`, in front of the arguments of the call.
export function placesIn(places: readonly Place[], each: string): Place[] {
  if (!each) return [...places];
  const below = (path: string): boolean => path.startsWith(each);
  return [
    ...places.filter(({ path }) => below(path)).map((place) => ({ ...place, path: `item${place.path.slice(each.length)}` })),
    ...places.filter(({ path }) => !below(path)),
  ];
}

export const hasWildcard = (path: string): boolean => path.includes("[*]");
// An `each` may leave its [*] out.
export const listOf = (each: string): string => (!each || each.endsWith("[*]") ? each : `${each}[*]`);

// How many elements of a list have to do: in require all of them, elsewhere one; an amount goes through them all itself.
export type Extent = "all of " | "any of " | "";

export function writePath(path: string, extent: Extent): string {
  if (path === "call.time") return "the time of the call";
  if (path === "item") return "the element";
  const plain = path.replace(/^args\.?/, "").replace(/^item\.?/, "the element: ");
  const at = plain.lastIndexOf("[*]");
  if (at < 0) return plain;
  const rest = plain.slice(at + 3).replace(/^\./, "");
  return `${extent}${plain.slice(0, at)}${rest && `: ${rest}`}`;
}
