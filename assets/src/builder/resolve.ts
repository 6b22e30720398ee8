// Which rule of a policy serves a tool and what it does with it, exactly as policies/engine/serving.py decides it.
import { elementsOf, joinPointer, memberOf, membersOf, stringOf, type Node, type PolicyDocument } from "./document";
import { isPattern, matchName, selectNarrowest } from "./names";

export const LEVELS = ["low", "medium", "high", "critical"] as const;
export const ACTIONS = ["allow", "deny", "hide", "require_approval"] as const;
export const CLAUSES = ["rate_limit", "require", "deny_if", "approve_if", "limits"] as const;
export const STATES = ["allow", "deny", "hide", "approve", "custom"] as const;
export type Action = (typeof ACTIONS)[number];
export type State = (typeof STATES)[number];

export interface Rule {
  node: Node;
  pointer: string;
  action: Action | null;
  clauses: readonly string[];
}

export interface Policy {
  isDefaultAllow: boolean;
  hide: readonly string[];
  risk: ReadonlyMap<string, Rule>;
  tools: ReadonlyMap<string, Rule>;
  patterns: readonly string[];
}

export interface Serving {
  state: State;
  action: Action;
  // Where the rule comes from, and the name, pattern or level that it stands under.
  source: "own" | "pattern" | "risk" | "default" | "hidden";
  name: string;
  rule: Rule | null;
  // The pointer that the engine gives for what it does.
  pointer: string;
}

const isAction = (text: string | undefined): text is Action => ACTIONS.some((action) => action === text);

function readRule(node: Node, pointer: string): Rule {
  const action = memberOf(node, "action");
  const read = stringOf(action);
  const clauses = CLAUSES.filter((key) => {
    const value = memberOf(node, key);
    return value !== undefined && (value.type !== "array" || elementsOf(value).length > 0);
  });
  // What the engine would refuse to read is drawn as refusing.
  const isRead = node.type === "object" && (!action || isAction(read));
  return { node, pointer, action: isRead ? (isAction(read) ? read : null) : "deny", clauses };
}

export function readPolicy({ root }: PolicyDocument): Policy {
  const fields = new Map(membersOf(root).map(({ key, value }) => [key, value]));
  const readRules = (name: string): Map<string, Rule> => {
    const rules = new Map<string, Rule>();
    for (const { key, value } of membersOf(fields.get(name))) rules.set(key, readRule(value, joinPointer(name, key)));
    return rules;
  };
  const tools = readRules("tools");
  return {
    isDefaultAllow: stringOf(fields.get("default")) === "allow",
    hide: elementsOf(fields.get("hide")).map((node) => stringOf(node) ?? ""),
    risk: readRules("risk"),
    tools,
    patterns: [...tools.keys()].filter(isPattern),
  };
}

function settle(policy: Policy, rule: Rule, level: string): [Action, string] {
  if (rule.action !== null) return [rule.action, rule.pointer];
  const risk = policy.risk.get(level);
  if (!risk || risk.action === null || risk.action === "allow") return ["allow", rule.pointer];
  return [risk.action, risk.pointer];
}

function stateOf(action: Action, rule: Rule | null): State {
  if (action === "deny" || action === "hide") return action;
  if (rule?.clauses.length) return "custom";
  return action === "allow" ? "allow" : "approve";
}

// A policy is read once for each text and never changed, and every control asks for the same tools again.
const served = new WeakMap<Policy, WeakMap<object, Serving>>();

export function serve(policy: Policy, tool: { name: string; level: string }): Serving {
  let known = served.get(policy);
  if (!known) served.set(policy, (known = new WeakMap()));
  let serving = known.get(tool);
  if (!serving) known.set(tool, (serving = findServing(policy, tool)));
  return serving;
}

function findServing(policy: Policy, tool: { name: string; level: string }): Serving {
  const hidden = policy.hide.findIndex((name) => matchName(name, tool.name));
  if (hidden >= 0) {
    const name = policy.hide[hidden] ?? "";
    return { state: "hide", action: "hide", source: "hidden", name, rule: null, pointer: `/hide/${hidden}` };
  }
  const own = isPattern(tool.name) ? undefined : policy.tools.get(tool.name);
  const pattern = own ? undefined : selectNarrowest(policy.patterns, tool.name);
  const rule = own ?? (pattern === undefined ? policy.risk.get(tool.level) : policy.tools.get(pattern));
  if (!rule) {
    const action = policy.isDefaultAllow ? "allow" : "deny";
    return { state: action, action, source: "default", name: "", rule: null, pointer: "(default)" };
  }
  const [action, pointer] = settle(policy, rule, tool.level);
  const source = own ? "own" : pattern === undefined ? "risk" : "pattern";
  return { state: stateOf(action, rule), action, source, name: own ? tool.name : (pattern ?? tool.level), rule, pointer };
}
