// One tool's rule: what it does, how often, and the argument rules that a form can draw. The rest stands as sentences.
import { useEffect, useRef } from "preact/hooks";
import { addItem, changeAt, changeKey, changeRule, clearOwn, dropItem, isBlocked } from "./changes";
import { elementsOf, findNode, joinPointer, memberOf, stringOf, textOf, type Node, type PolicyDocument } from "./document";
import { drop, inside, set, type Edit } from "./edits";
import { EntryForm, NewEntry } from "./EntryForm";
import { drawEntry, fieldsOf, KINDS, type DrawnEntry } from "./forms";
import { RateForm } from "./RateForm";
import { serve, type Policy } from "./resolve";
import type { Tool } from "./tools";
import { capitalise, LEVEL_WORDS, writeSource } from "./words";
import type { Report } from "../validate";

interface Props {
  tool: Tool;
  document: PolicyDocument;
  policy: Policy;
  report: Report | null;
  // Whether the report is about this very text; pointers into lists may be another rule's otherwise.
  isFresh: boolean;
  isReadOnly: boolean;
  onEdit: (edits: readonly Edit[]) => void;
  onShow: (pointer: string) => void;
  onBack: () => void;
}

interface Undrawn {
  pointer: string;
  node: Node;
}

function sortEntries(document: PolicyDocument, rule: Node | undefined, base: string, tool: Tool): [DrawnEntry[], Undrawn[]] {
  const drawn: DrawnEntry[] = [];
  const undrawn: Undrawn[] = [];
  const fields = fieldsOf(tool.input_schema);
  for (const kind of KINDS) {
    elementsOf(memberOf(rule, kind)).forEach((node, index) => {
      const pointer = `${base}/${kind}/${index}`;
      const entry = drawEntry(document, node, { kind, index, pointer }, fields);
      if (entry) drawn.push(entry);
      else undrawn.push({ pointer, node });
    });
  }
  for (const key of ["approve_if", "limits"]) {
    elementsOf(memberOf(rule, key)).forEach((node, index) => undrawn.push({ pointer: `${base}/${key}/${index}`, node }));
  }
  return [drawn, undrawn];
}

const ACTION_WORDS = [
  ["", "As its risk level says, else allow"], ["allow", "Allow"], ["require_approval", "Ask a person"], ["deny", "Deny"], ["hide", "Hide"],
] as const;

export function RulePanel(props: Props) {
  const { tool, document, policy, report, isFresh, isReadOnly, onEdit, onShow, onBack } = props;
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => head.current?.focus(), []);
  const serving = serve(policy, tool);
  const pointer = joinPointer("tools", tool.name);
  const own = policy.tools.get(tool.name)?.node;
  const isLocked = isReadOnly || isBlocked(policy, tool.name);
  const [drawn, undrawn] = sortEntries(document, own, pointer, tool);
  const current = isFresh ? report : null;
  const sentence = (at: string): string => current?.parts.find((part) => part.pointer === at)?.text ?? "";
  const whole = report?.sentences.find((each) => each.pointer === pointer)?.text;
  const problems = [...(current?.errors ?? []), ...(current?.warnings ?? [])].filter(
    (problem) => problem.pointer === pointer || problem.pointer.startsWith(`${pointer}/`));
  const change = (...args: Parameters<typeof inside>): void => {
    const made = inside(...args);
    if (made.kind === "inside") onEdit(changeRule(document, policy, tool, made.changes));
  };
  const setAction = (value: string): void => {
    const changed = new Map([["action", value ? set(JSON.stringify(value)) : drop]]);
    if (value || own) onEdit(changeRule(document, policy, tool, changed, value !== "deny" && value !== "hide" && value !== ""));
  };
  return (
    <section class="rule stack" aria-labelledby="rule-head">
      <p><button type="button" class="button button-small" onClick={onBack}>Back to all tools</button></p>
      <h2 id="rule-head" tabIndex={-1} ref={head}><code>{tool.name}</code> <small class="muted">{tool.title}</small></h2>
      <p class="row">
        <span class={`badge badge-${tool.level}`}>{LEVEL_WORDS[tool.level] ?? tool.level}</span>
        <span class={`badge badge-${tool.category}`}>{capitalise(tool.category)}</span>
        <span class="muted">Served by {writeSource(serving)}.</span>
      </p>
      <p aria-live="polite">{whole ?? (own ? "Its sentence comes when the policy has been checked." : "It has no rule of its own yet. The first condition below makes one.")}</p>
      {isBlocked(policy, tool.name) && <div class="notice notice-warn"><p>The pattern {serving.name} hides it, and hiding comes first. Change that in the JSON.</p> <p><button type="button" class="button button-small" onClick={() => onShow("/hide")}>Show hide in the JSON</button></p></div>}
      {problems.length > 0 && <ul class="rule-problems">{problems.map((problem) => <li key={problem.pointer + problem.message}>{problem.message} {problem.suggestion}</li>)}</ul>}
      <label class="field">
        <strong>A call that passes its conditions</strong>
        <select value={memberOf(own, "action") ? (stringOf(memberOf(own, "action")) ?? "") : own ? "" : serving.action} disabled={isLocked} onChange={(event) => setAction(event.currentTarget.value)}>
          {ACTION_WORDS.map(([value, word]) => <option key={value} value={value}>{word}</option>)}
        </select>
      </label>
      <RateForm
        key={`${tool.name} rate`} document={document} node={memberOf(own, "rate_limit")} isLocked={isLocked}
        onSet={(text) => change([["rate_limit", text === null ? drop : set(text)]])}
        onChange={(key, text) => onEdit(changeKey(document, `${pointer}/rate_limit`, key, text))}
      />
      <h3>Argument rules</h3>
      {drawn.map((entry) => (
        <EntryForm
          key={entry.pointer} entry={entry} sentence={sentence(entry.pointer)} isLocked={isLocked}
          onValue={(text) => onEdit(changeAt(document, `${entry.pointer}/conditions/0/value`, text))}
          onReason={(text) => onEdit(changeKey(document, entry.pointer, "on_deny", text ? JSON.stringify(text) : null))}
          onShow={() => onShow(entry.pointer)}
          onRemove={() => { if (own) onEdit(changeRule(document, policy, tool, dropItem(own, entry.kind, entry.index), false)); }}
        />
      ))}
      {undrawn.map(({ pointer: at, node }) => (
        <div key={at} class="rule-entry">
          <p>{sentence(at) || "A rule without a form."}</p>
          <pre tabIndex={0} aria-label={`JSON of ${at}`}><code>{textOf(document, node)}</code></pre>
          <p><button type="button" class="button button-small" onClick={() => onShow(at)}>Show in the JSON</button></p>
        </div>
      ))}
      {drawn.length + undrawn.length === 0 && <p class="muted">None: any arguments will do.</p>}
      {!isLocked && <NewEntry key={`${tool.name} new`} fields={fieldsOf(tool.input_schema)} onAdd={(kind, text) => onEdit(changeRule(document, policy, tool, addItem(kind, text)))} />}
      {own && findNode(document, pointer) && <p class="row">
        <button type="button" class="button button-small" onClick={() => onShow(pointer)}>Show the whole rule in the JSON</button>
        {!isReadOnly && <button type="button" class="button button-small" onClick={() => onEdit(clearOwn(document, policy, [tool.name]).edits)}>Remove its own rule</button>}
      </p>}
    </section>
  );
}


