// What the forms of a rule do to a policy's text, each by the pointer of what it changes; none where nothing would change.
import { elementsOf, findNode, memberOf, membersOf, readDocument, stringOf, textOf, type PolicyDocument } from "./document";
import { drop, editDocument, editNode, inside, items, set, type Change, type Changes, type Edit } from "./edits";
import { pathsIn } from "./forms";
import { matchName } from "./names";
import { listOf, placesOf } from "./places";

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

interface Closing {
  base: string;
  path: string;
  // Null where requiring the argument would refuse every call of tools that have none.
  entry: string | null;
}

interface NamedTool {
  name: string;
  input_schema: Record<string, unknown>;
}

// The rule that closes what an absent argument slips past, as the report's warning names it; null for other warnings.
// `tools` are those that the rule serves. In all_tools it holds for those with such an argument alone.
export function findClosing(
  document: PolicyDocument, problem: { pointer: string; suggestion: string }, tools: readonly NamedTool[],
): Closing | null {
  const found = /^(.*)\/(?:require|deny_if|approve_if)\/\d+(?=\/)/.exec(problem.pointer);
  const suggested = found && readDocument(problem.suggestion).document?.root;
  const path = stringOf(memberOf(suggested || undefined, "path"));
  if (!found || path === undefined || stringOf(memberOf(suggested || undefined, "op")) !== "exists") return null;
  const base = found[1] ?? "";
  const selector = membersOf(findNode(document, found[0])).find(({ key }) => key === "for" || key === "except");
  const names = elementsOf(selector?.value).map((name) => stringOf(name) ?? "");
  const chosen = tools.filter(({ name }) => !selector || names.some((each) => matchName(each, name)) === (selector.key === "for"));
  const place = path.replaceAll(/\[\d+\]/g, "[*]");
  const taking = chosen.filter((tool) => placesOf(tool.input_schema).some((each) => each.path === place));
  const isNarrow = taking.length < chosen.length && tools.length > 1;
  const kept = selector ? `, "${selector.key}": ${textOf(document, selector.value)}` : "";
  const named = isNarrow ? `, "for": [${taking.map(({ name }) => JSON.stringify(name)).join(", ")}]` : kept;
  return { base, path, entry: isNarrow && base !== "/all_tools" ? null : `{"conditions": [${problem.suggestion}]${named}}` };
}
