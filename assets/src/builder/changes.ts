// What the builder's controls do to a policy: each gives the edits of the text, and none where nothing would change.
import { elementsOf, findNode, memberOf, membersOf, readDocument, stringOf, textOf, type Node, type PolicyDocument } from "./document";
import { drop, editDocument, editNode, inside, items, set, type Change, type Changes, type Edit } from "./edits";
import { pathsIn } from "./forms";
import { matchName } from "./names";
import { listOf } from "./places";
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

// Changes inside a rule that several tools share: of a level, of a pattern, of all_tools.
export function changeShared(document: PolicyDocument, pointer: string, changes: Changes): Edit[] {
  const parts = pointer.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const change = parts.reduceRight<Change>((inner, part) => inside([[part, inner]]), inside(changes));
  return change.kind === "inside" ? editDocument(document, change.changes) : [];
}

// Edits below one pointer, where what is edited is known to be there; null takes a key away.
export function changeAt(document: PolicyDocument, pointer: string, text: string): Edit[] {
  const node = findNode(document, pointer);
  return node ? editNode(document, node, set(text)) : [];
}

export function changeKeys(document: PolicyDocument, pointer: string, texts: Readonly<Record<string, string | null>>): Edit[] {
  const node = findNode(document, pointer);
  if (node?.type !== "object") return [];
  const known = new Set(membersOf(node).map(({ key }) => key));
  const wanted = Object.entries(texts).filter(([key, text]) => text !== null || known.has(key));
  return editNode(document, node, inside(wanted.map(([key, text]) => [key, text === null ? drop : set(text)])));
}

export function changeItems(document: PolicyDocument, pointer: string, dropped: readonly number[], added: readonly string[] = []): Edit[] {
  const node = findNode(document, pointer);
  return node?.type === "array" ? editNode(document, node, items(dropped, added)) : [];
}

// Judges the elements of a list together, another list's, or the call as a whole (""); the paths move along.
export function changeEach(document: PolicyDocument, pointer: string, each: string): Edit[] {
  const entry = findNode(document, pointer);
  if (!entry) return [];
  const before = listOf(stringOf(memberOf(entry, "each")) ?? "");
  if (before === each) return [];
  const move = (path: string): string => {
    const full = before && /^item(?![^.[])/.test(path) ? before + path.slice(4) : path;
    return each && full.startsWith(each) ? `item${full.slice(each.length)}` : full;
  };
  const moved = pathsIn(memberOf(entry, "conditions") ?? entry).flatMap((node) => {
    const path = String(node.value);
    return move(path) === path ? [] : editNode(document, node, set(JSON.stringify(move(path))));
  });
  return [...moved, ...changeKeys(document, pointer, { each: each ? JSON.stringify(each) : null })].sort((one, other) => one.offset - other.offset);
}

// The rule that closes what an absent argument slips past, as the report's warning names it; null for other warnings.
export function findClosing(document: PolicyDocument, problem: { pointer: string; suggestion: string }): { base: string; entry: string; path: string } | null {
  const found = /^(.*)\/(?:require|deny_if|approve_if)\/\d+(?=\/)/.exec(problem.pointer);
  if (!found || !problem.suggestion.startsWith("{")) return null;
  const { document: read } = readDocument(problem.suggestion);
  const path = read && stringOf(memberOf(read.root, "path"));
  if (!read || path === undefined || path === null || stringOf(memberOf(read.root, "op")) !== "exists") return null;
  const selectors = membersOf(findNode(document, found[0])).filter(({ key }) => key === "for" || key === "except");
  const written = selectors.map(({ key, value }) => `, "${key}": ${textOf(document, value)}`).join("");
  return { base: found[1] ?? "", entry: `{"conditions": [${problem.suggestion}]${written}}`, path };
}

// Puts back the text of a rule as it was before its conditions were taken away.
export function restoreRule(document: PolicyDocument, name: string, text: string): Edit[] {
  return editDocument(document, new Map([["tools", inside([[name, set(text)]])]]));
}
