// What the builder's controls do to a policy: each gives the edits of the text, and none where nothing would change.
import { elementsOf, membersOf, textOf, type Node, type PolicyDocument } from "./document";
import { drop, editDocument, inside, items, set, type Change, type Changes, type Edit } from "./edits";
import { matchName } from "./names";
import { CLAUSES, serve, type Action, type Policy, type State } from "./resolve";

export interface ToolName {
  name: string;
  level: string;
}

export interface Outcome {
  edits: Edit[];
  changed: number;
  // Tools that stay hidden by a pattern in `hide`, and tools that lost conditions of their own.
  blocked: string[];
  stripped: string[];
}

const ACTION_OF: Record<Exclude<State, "custom">, Action> = {
  allow: "allow", deny: "deny", hide: "hide", approve: "require_approval",
};

function plainRule(node: Node | undefined, action: Action): Change {
  const changes: Changes = new Map([["action", set(JSON.stringify(action))]]);
  if (node?.type !== "object") return inside(changes);
  for (const { key } of membersOf(node)) if (CLAUSES.some((clause) => clause === key)) changes.set(key, drop);
  return inside(changes);
}

// How a hidden tool comes out of `hide`: by its own name, but never from under a pattern.
function unhide(policy: Policy, name: string): number[] | null {
  const found = policy.hide.flatMap((entry, index) => (matchName(entry, name) ? [index] : []));
  return found.every((index) => policy.hide[index] === name) ? found : null;
}

export const isBlocked = (policy: Policy, name: string): boolean => unhide(policy, name) === null;

function withoutHidden(changes: Changes, dropped: ReadonlySet<number>): Changes {
  if (dropped.size) changes.set("hide", items(dropped));
  return changes;
}

export function setStates(
  document: PolicyDocument, policy: Policy, tools: readonly ToolName[], state: Exclude<State, "custom">,
): Outcome {
  const rules: Changes = new Map();
  const hidden = new Set<number>();
  const outcome: Outcome = { edits: [], changed: 0, blocked: [], stripped: [] };
  for (const tool of tools) {
    const serving = serve(policy, tool);
    if (serving.state === state) continue;
    const entries = unhide(policy, tool.name);
    if (entries === null) {
      outcome.blocked.push(tool.name);
      continue;
    }
    entries.forEach((index) => hidden.add(index));
    const own = policy.tools.get(tool.name);
    if (own?.clauses.length) outcome.stripped.push(tool.name);
    rules.set(tool.name, plainRule(own?.node, ACTION_OF[state]));
    outcome.changed += 1;
  }
  if (outcome.changed) outcome.edits = editDocument(document, withoutHidden(new Map([["tools", inside(rules)]]), hidden));
  return outcome;
}

// Takes the tools' own rules away, so that a pattern, their level or the default serves them.
export function clearOwn(document: PolicyDocument, policy: Policy, names: readonly string[]): Outcome {
  const own = names.filter((name) => policy.tools.has(name));
  const stripped = own.filter((name) => policy.tools.get(name)?.clauses.length);
  const rules: Changes = new Map(own.map((name) => [name, drop]));
  const edits = own.length ? editDocument(document, new Map([["tools", inside(rules)]])) : [];
  return { edits, changed: own.length, blocked: [], stripped };
}

export function setDefault(document: PolicyDocument, value: "allow" | "deny"): Edit[] {
  return editDocument(document, new Map([["default", set(JSON.stringify(value))]]));
}

// The rule of a level; null takes it away.
export function setRisk(
  document: PolicyDocument, policy: Policy, level: string, state: Exclude<State, "custom"> | null,
): Edit[] {
  const rule = policy.risk.get(level);
  if (state === null) return rule ? editDocument(document, new Map([["risk", inside([[level, drop]])]])) : [];
  // A rule without an action allows; only another choice has to say so.
  if (rule && (rule.action ?? "allow") === ACTION_OF[state] && !rule.clauses.length) return [];
  return editDocument(document, new Map([["risk", inside([[level, plainRule(rule?.node, ACTION_OF[state])]])]]));
}

// Changes inside a tool's own rule. A tool without one gets a copy of the rule that serves it, so that nothing of that
// is lost; and a condition on a tool that was refused makes it one that is allowed under conditions.
export function changeRule(
  document: PolicyDocument, policy: Policy, tool: ToolName, changes: Changes, isCondition = true,
): Edit[] {
  if (isBlocked(policy, tool.name)) return [];
  const serving = serve(policy, tool);
  const isRefused = serving.action === "deny" || serving.action === "hide";
  const open: [string, Change][] = isCondition && isRefused ? [["action", set('"allow"')]] : [];
  const own = policy.tools.get(tool.name);
  const wanted: Changes = new Map([...open, ...changes]);
  const base = own ? undefined : serving.rule;
  const rule = base?.clauses.length || base?.action ? copyWith(document, base.node, wanted) : inside(wanted);
  const hidden = new Set(isCondition ? unhide(policy, tool.name) ?? [] : []);
  return editDocument(document, withoutHidden(new Map([["tools", inside([[tool.name, rule]])]]), hidden));
}

function copyWith(document: PolicyDocument, node: Node, changes: Changes): Change {
  const members: Changes = new Map(membersOf(node).map(({ key, value }) => [key, set(textOf(document, value))]));
  for (const [key, change] of changes) {
    if (change.kind === "items") {
      const kept = elementsOf(members.has(key) ? membersOf(node).find((member) => member.key === key)?.value : undefined);
      const texts = kept.flatMap((part, index) => (change.drop.has(index) ? [] : [textOf(document, part)]));
      members.set(key, items([], [...texts, ...change.add]));
    } else members.set(key, change);
  }
  return inside(members);
}

export const addItem = (key: string, text: string): Changes => new Map([[key, items([], [text])]]);

// A list that would be left empty goes with its last entry.
export function dropItem(rule: Node, key: string, index: number): Changes {
  const list = elementsOf(membersOf(rule).find((member) => member.key === key)?.value);
  return new Map([[key, list.length === 1 ? drop : items([index])]]);
}

// Puts back the text of a rule as it was before its conditions were taken away.
export function restoreRule(document: PolicyDocument, name: string, text: string): Edit[] {
  return editDocument(document, new Map([["tools", inside([[name, set(text)]])]]));
}
