// The text of a policy as a tree whose nodes know their place in the text. The text is the truth; this only reads it.
import { parseTree, type Node } from "jsonc-parser";

export type { Node };

export interface Member {
  key: string;
  property: Node;
  value: Node;
}

export interface PolicyDocument {
  text: string;
  root: Node;
}

export type Reading = { document: PolicyDocument; reason: "" } | { document: null; reason: string };

export const endOf = (node: Node): number => node.offset + node.length;
export const textOf = (document: PolicyDocument, node: Node): string => document.text.slice(node.offset, endOf(node));

export function membersOf(node: Node | undefined): Member[] {
  if (node?.type !== "object") return [];
  return (node.children ?? []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    return key && value ? [{ key: String(key.value), property, value }] : [];
  });
}

export const elementsOf = (node: Node | undefined): Node[] => (node?.type === "array" ? (node.children ?? []) : []);

export const memberOf = (node: Node | undefined, key: string): Node | undefined =>
  membersOf(node).find((member) => member.key === key)?.value;

export const stringOf = (node: Node | undefined): string | undefined =>
  node?.type === "string" ? String(node.value) : undefined;

export function joinPointer(...parts: readonly (string | number)[]): string {
  return parts.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

export function findNode(document: PolicyDocument, pointer: string): Node | undefined {
  let node: Node | undefined = document.root;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    node = node?.type === "array" ? node.children?.[Number(key)] : memberOf(node, key);
  }
  return node;
}

function findDuplicate(node: Node): string | undefined {
  const seen = new Set<string>();
  for (const { key } of membersOf(node)) {
    if (seen.has(key)) return key;
    seen.add(key);
  }
  for (const child of node.children ?? []) {
    const found = child.children ? findDuplicate(child) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

const refuse = (reason: string): Reading => ({ document: null, reason });

// What cannot be read strictly cannot be drawn: two readers could take it for two different policies.
export function readDocument(text: string): Reading {
  if (!text.trim()) return refuse("There is no document yet.");
  let root: Node | undefined;
  try {
    JSON.parse(text);
    root = parseTree(text);
  } catch {
    return refuse("The JSON does not read yet.");
  }
  if (root?.type !== "object") return refuse("A policy is a JSON object.");
  const duplicate = findDuplicate(root);
  if (duplicate !== undefined) return refuse(`The key "${duplicate}" stands twice.`);
  return { document: { text, root }, reason: "" };
}
