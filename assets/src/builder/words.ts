// The words and letters for what a policy does with a tool.
import type { Op } from "./forms";
import type { Serving, State } from "./resolve";

export const STATE_WORDS: Record<State, string> = {
  allow: "Allow", deny: "Deny", hide: "Hide", approve: "Approve", custom: "Custom",
};
export const STATE_KEYS: Record<string, State> = { a: "allow", d: "deny", h: "hide", p: "approve", c: "custom" };
export const LEVEL_WORDS: Record<string, string> = { low: "Low", medium: "Medium", high: "High", critical: "Critical" };
export const OP_WORDS: Record<Op, string> = {
  in: "is one of", not_in: "is none of", eq: "is", neq: "is not", lte: "is at most", gte: "is at least", lt: "is below", gt: "is above",
  contains: "contains", matches: "fits the pattern", regex: "contains a match of", exists: "has been", within: "is within",
};
export const capitalise = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function writeSource({ source, name }: Serving): string {
  if (source === "own") return "its own rule";
  if (source === "pattern") return `the pattern ${name}`;
  if (source === "risk") return `the ${name} risk rule`;
  return source === "hidden" ? `hide: ${name}` : "the default";
}

// Under Custom the word of the button does not say whether the call then passes or waits for a person.
export function writeServing(serving: Serving): string {
  if (serving.state !== "custom") return writeSource(serving);
  return `${serving.action === "allow" ? "allowed" : "asks a person"} under conditions: ${writeSource(serving)}`;
}

export const count = (many: number, word: string): string => `${many.toLocaleString("en-GB")} ${word}${many === 1 ? "" : "s"}`;

// How often a tool was called lately, nothing for one that was not.
export function writeCalls(calls: number, days: number, counted: number | null): string {
  if (!calls) return "";
  return counted === null ? `${count(calls, "call")} in ${days} days` : `${calls.toLocaleString("en-GB")} of the latest ${count(counted, "call")}`;
}
