// The server's tools as policies:tools_data gives them, and which of them a filter shows.
import { policyData } from "../policy-data";
import { isPattern } from "./names";
import type { Serving } from "./resolve";

export interface Tool {
  name: string;
  title: string;
  module: string;
  category: string;
  // As policies see it: an unreviewed tool counts as high at least.
  level: string;
  is_reviewed: boolean;
  // active, changed, or gone: a rule names it, and the server does not offer it.
  state: string;
  // In the last days.
  calls: number;
  input_schema: Record<string, unknown>;
}

export interface Toolbox {
  tools: readonly Tool[];
  // The days whose calls are counted; `counted` says how many of the newest were, null when all of them.
  days: number;
  counted: number | null;
}

export interface Row {
  tool: Tool;
  serving: Serving;
}

export const CHOICES = ["level", "category", "module", "state"] as const;
export const FLAGS = ["unreviewed", "changed", "gone", "called"] as const;
export type Choice = (typeof CHOICES)[number];
export type Flag = (typeof FLAGS)[number];
export type Filter = Readonly<{ text: string; order: string } & Record<Choice, string> & Record<Flag, boolean>>;

export const ANYTHING: Filter = {
  text: "", order: "", level: "", category: "", module: "", state: "", unreviewed: false, changed: false, gone: false, called: false,
};
export const BY_CALLS = "calls";

export async function fetchTools(url: string): Promise<Toolbox> {
  const { tools, days, counted } = await policyData<Tool>(url);
  return { tools: tools.toSorted((one, other) => compare(one.module, other.module) || compare(one.name, other.name)), days, counted };
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const ABSENT = "Named by a rule, not offered by this server";
const absent = new Map<string, Tool>();

// Tools that only rules know: gone from the server, or never there. Each name has one object, which is drawn once.
export function findAbsent(names: Iterable<string>, known: ReadonlySet<string>): Tool[] {
  return [...names].filter((name) => !isPattern(name) && !known.has(name)).map((name) => {
    const found = absent.get(name) ?? {
      name, title: "", module: ABSENT, category: "", level: "", is_reviewed: true, state: "gone", calls: 0, input_schema: {},
    };
    absent.set(name, found);
    return found;
  });
}

const haystacks = new WeakMap<Tool, string>();

function haystackOf(tool: Tool): string {
  const known = haystacks.get(tool);
  if (known !== undefined) return known;
  const made = `${tool.name} ${tool.title} ${tool.module}`.toLowerCase();
  haystacks.set(tool, made);
  return made;
}

const valueOf = ({ tool, serving }: Row, choice: Choice): string => (choice === "state" ? serving.state : tool[choice]);

function isFlagged({ tool }: Row, flag: Flag): boolean {
  if (flag === "unreviewed") return !tool.is_reviewed;
  return flag === "called" ? tool.calls > 0 : tool.state === flag;
}

export interface Filtered {
  rows: Row[];
  // For each choice its values, and for each flag, how many rows choosing it would show beside the other filters.
  counts: ReadonlyMap<Choice | Flag, ReadonlyMap<string, number>>;
}

// One pass: a row that exactly one filter holds back still counts for the other values of that one.
export function filterRows(rows: readonly Row[], filter: Filter): Filtered {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown: Row[] = [];
  const counts = new Map<Choice | Flag, Map<string, number>>([...CHOICES, ...FLAGS].map((key) => [key, new Map()]));
  const add = (key: Choice | Flag, value: string): void => {
    const values = counts.get(key)!;
    values.set(value, (values.get(value) ?? 0) + 1);
  };
  for (const row of rows) {
    if (!words.every((word) => haystackOf(row.tool).includes(word))) continue;
    let missed: Choice | Flag | undefined;
    let misses = 0;
    for (const key of CHOICES) if (filter[key] && valueOf(row, key) !== filter[key]) { missed = key; misses += 1; }
    for (const key of FLAGS) if (filter[key] && !isFlagged(row, key)) { missed = key; misses += 1; }
    if (misses > 1) continue;
    if (misses === 0) shown.push(row);
    for (const key of CHOICES) if (misses === 0 || missed === key) add(key, valueOf(row, key));
    for (const key of FLAGS) if (misses === 0 && isFlagged(row, key)) add(key, "");
  }
  if (filter.order === BY_CALLS) shown.sort((one, other) => other.tool.calls - one.tool.calls);
  return { rows: shown, counts };
}
