// The head of a rule's panel: which tools it serves, what it does with them, what the agent then reads, and how often.
import { isBlocked } from "./changes";
import { ReasonBox } from "./controls";
import { memberOf, stringOf, type Node, type PolicyDocument } from "./document";
import { drop, set, type Changes, type Edit } from "./edits";
import { RateForm } from "./RateForm";
import { ACTIONS, serve, type Policy } from "./resolve";
import { changeKeys } from "./strokes";
import type { Tool } from "./tools";
import { capitalise, count, LEVEL_WORDS, writeSource } from "./words";

const ACTION_WORDS: Record<string, string> = { allow: "Allow", require_approval: "Ask a person", deny: "Deny", hide: "Hide" };

interface Props {
  tool: Tool | null;
  pointer: string;
  rule: Node | undefined;
  served: number;
  document: PolicyDocument;
  policy: Policy;
  sentence: string | undefined;
  isLocked: boolean;
  onChange: (changes: Changes, isCondition?: boolean) => void;
  onEdit: (edits: readonly Edit[]) => void;
  onShow: (pointer: string) => void;
}

export function RuleHead({ tool, pointer, rule, served, document, policy, sentence, isLocked, onChange, onEdit, onShow }: Props) {
  const serving = tool && serve(policy, tool);
  const isRisk = pointer.startsWith("/risk/");
  const action = memberOf(rule, "action");
  const chosen = action ? (stringOf(action) ?? "") : rule || !serving ? "" : serving.action;
  const does = serving?.action ?? (chosen || "allow");
  const setAction = (value: string): void => {
    const changed: Changes = new Map([["action", value ? set(JSON.stringify(value)) : drop]]);
    if (value || rule) onChange(changed, value !== "deny" && value !== "hide" && value !== "");
  };
  return (
    <>
      <p class="row">
        {tool && <><span class={`badge badge-${tool.level}`}>{LEVEL_WORDS[tool.level] ?? tool.level}</span> <span class={`badge badge-${tool.category}`}>{capitalise(tool.category)}</span></>}
        <span class="muted">{serving ? `Served by ${writeSource(serving)}.` : `Serves ${count(served, "tool")} now.`}</span>
      </p>
      <p aria-live="polite">{sentence ?? (rule ? "Its sentence comes when the policy has been checked." : "It has no rule of its own yet. The first condition below makes one.")}</p>
      {tool && serving && isBlocked(policy, tool.name) && <div class="notice notice-warn"><p>The pattern {serving.name} hides it, and hiding comes first. Change that in the JSON.</p> <p><button type="button" class="button button-small" onClick={() => onShow("/hide")}>Show hide in the JSON</button></p></div>}
      <label class="field">
        <strong>A call that passes its conditions</strong>
        <select value={chosen} disabled={isLocked} onChange={(event) => setAction(event.currentTarget.value)}>
          <option value="">{isRisk ? "Not said: allow" : "As its risk level says, else allow"}</option>
          {["allow", "require_approval", "deny", "hide"].map((value) => <option key={value} value={value}>{ACTION_WORDS[value]}</option>)}
          {chosen && !ACTIONS.some((each) => each === chosen) && <option value={chosen}>{chosen}</option>}
        </select>
      </label>
      {rule && (does !== "allow" || memberOf(rule, "reason")) && <ReasonBox
        label="What the agent reads when the action refuses or holds the call" value={stringOf(memberOf(rule, "reason")) ?? ""} isLocked={isLocked}
        onText={(text) => onEdit(changeKeys(document, pointer, { reason: text }))}
      />}
      <RateForm
        document={document} node={memberOf(rule, "rate_limit")} isLocked={isLocked}
        onSet={(text) => onChange(new Map([["rate_limit", text === null ? drop : set(text)]]))}
        onChange={(key, text) => onEdit(changeKeys(document, `${pointer}/rate_limit`, { [key]: text }))}
      />
    </>
  );
}
