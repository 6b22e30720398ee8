// What the server knows about a policy's surroundings: its tools, and the grammar that the engine reads documents by.
// The builder and the editor ask for it once between them.

export interface PolicyTool {
  name: string;
  title: string;
  // As policies see it: an unreviewed tool counts as high at least.
  level: string;
  input_schema: Record<string, unknown>;
}

// Of each key what it says and the shape of its value, as policies/engine/grammar.py has them.
export type Keys = Record<string, readonly [says: string, shape: string]>;

export interface Grammar {
  objects: Record<string, Keys>;
  words: Record<string, Record<string, string>>;
}

export interface PolicyData<T extends PolicyTool = PolicyTool> {
  tools: T[];
  // Their `calls` are those of this many days, and of the newest `counted` records where that is not all of them.
  days: number;
  counted: number | null;
  grammar: Grammar;
}

const asked = new Map<string, Promise<PolicyData>>();

async function fetchData(url: string): Promise<PolicyData> {
  const response = await fetch(url, { credentials: "same-origin", redirect: "error" });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return (await response.json()) as PolicyData;
}

export function policyData<T extends PolicyTool>(url: string): Promise<PolicyData<T>> {
  const known = asked.get(url) ?? fetchData(url);
  asked.set(url, known);
  known.catch(() => asked.delete(url));
  return known as Promise<PolicyData<T>>;
}
