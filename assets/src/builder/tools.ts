// The server's tools as policies:tools_data gives them, and which of them a filter shows.
import { policyData } from "../policy-data";
import type { Serving } from "./resolve";

export interface Tool {
  name: string;
  title: string;
  module: string;
  category: string;
  // As policies see it: an unreviewed tool counts as high at least.
  level: string;
  is_reviewed: boolean;
  state: string;
  input_schema: Record<string, unknown>;
}

export interface Row {
  tool: Tool;
  serving: Serving;
}

export interface Filter {
  text: string;
  level: string;
  category: string;
  module: string;
  state: string;
  unreviewed: boolean;
  changed: boolean;
}

export const ANYTHING: Filter = {
  text: "", level: "", category: "", module: "", state: "", unreviewed: false, changed: false,
};

export async function fetchTools(url: string): Promise<Tool[]> {
  const { tools } = await policyData<Tool>(url);
  return tools.toSorted((one, other) => compare(one.module, other.module) || compare(one.name, other.name));
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const haystacks = new WeakMap<Tool, string>();

function haystackOf(tool: Tool): string {
  const known = haystacks.get(tool);
  if (known !== undefined) return known;
  const made = `${tool.name} ${tool.title} ${tool.module}`.toLowerCase();
  haystacks.set(tool, made);
  return made;
}

export function filterRows(rows: readonly Row[], filter: Filter): Row[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(({ tool, serving }) =>
    (!filter.level || tool.level === filter.level) &&
    (!filter.category || tool.category === filter.category) &&
    (!filter.module || tool.module === filter.module) &&
    (!filter.state || serving.state === filter.state) &&
    (!filter.unreviewed || !tool.is_reviewed) &&
    (!filter.changed || tool.state === "changed") &&
    words.every((word) => haystackOf(tool).includes(word)));
}
