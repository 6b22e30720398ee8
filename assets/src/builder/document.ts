// The text of a policy as a tree whose nodes know their place in the text. The text is the truth; this only reads it.
import { DuplicateKeyError, readTree, type Node } from "./tree";

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
  return (node.children ?? []).map((property) => {
    const [key, value] = property.children as [Node, Node];
    return { key: key.value as string, property, value };
  });
}

export const elementsOf = (node: Node | undefined): Node[] => (node?.type === "array" ? (node.children ?? []) : []);

export const memberOf = (node: Node | undefined, key: string): Node | undefined =>
  node?.type === "object" ? node.children?.find((property) => property.children![0]!.value === key)?.children![1] : undefined;

export const stringOf = (node: Node | undefined): string | undefined =>
  node?.type === "string" ? String(node.value) : undefined;

export function joinPointer(...parts: readonly (string | number)[]): string {
  return parts.map((part) => `/${/[~/]/.test(String(part)) ? String(part).replaceAll("~", "~0").replaceAll("/", "~1") : part}`).join("");
}

export function findNode(document: PolicyDocument, pointer: string): Node | undefined {
  let node: Node | undefined = document.root;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    node = node?.type === "array" ? node.children?.[Number(key)] : memberOf(node, key);
  }
  return node;
}

const refuse = (reason: string): Reading => ({ document: null, reason });

// What cannot be read strictly cannot be drawn: two readers could take it for two different policies.
export function readDocument(text: string): Reading {
  if (!text.trim()) return refuse("Nothing is written yet.");
  let root: Node;
  try {
    root = readTree(text);
  } catch (error) {
    return refuse(error instanceof DuplicateKeyError ? error.message : "The JSON is not complete.");
  }
  if (root.type !== "object") return refuse("A policy is a JSON object.");
  return { document: { text, root }, reason: "" };
}
