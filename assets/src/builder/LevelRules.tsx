// What serves tools that no rule names: a rule for each risk level, and the default.
import { useMemo } from "preact/hooks";
import { LEVELS, STATES, type Policy, type State } from "./resolve";
import type { Row } from "./tools";
import { count, LEVEL_WORDS, STATE_WORDS } from "./words";

interface Props {
  policy: Policy;
  // How many rules hold for every tool.
  shared: number;
  rows: readonly Row[];
  isReadOnly: boolean;
  canEdit: boolean;
  onRisk: (level: string, state: Exclude<State, "custom"> | null) => void;
  onDefault: (value: "allow" | "deny") => void;
  onOpen: (pointer: string) => void;
}

function chosenFor(policy: Policy, level: string): string {
  const rule = policy.risk.get(level);
  if (!rule) return "";
  if (rule.action === "deny" || rule.action === "hide") return rule.action;
  if (rule.clauses.length) return "custom";
  return rule.action === "require_approval" ? "approve" : "allow";
}

const wordFor = (chosen: string, fallback: string): string =>
  chosen === "custom" ? "With conditions" : chosen ? STATE_WORDS[chosen as State] : `As the default: ${fallback}`;

export function LevelRules({ policy, shared, rows, isReadOnly, canEdit, onRisk, onDefault, onOpen }: Props) {
  const fallback = policy.isDefaultAllow ? "allow" : "deny";
  const served = useMemo(() => {
    const found = new Map<string, number>();
    for (const { tool, serving } of rows) {
      for (const key of serving.source === "risk" ? [tool.level] : [serving.source, `${serving.source} ${tool.level}`]) found.set(key, (found.get(key) ?? 0) + 1);
    }
    return found;
  }, [rows]);
  const writeCount = (key: string): string => count(served.get(key) ?? 0, "tool");
  return (
    <details class="fold" open>
      <summary>By risk level, and tools that appear later</summary>
      <div>
        {LEVELS.map((level) => {
          const chosen = chosenFor(policy, level);
          return (
            <div key={level} class="level">
              <span class={`badge badge-${level}`}>{LEVEL_WORDS[level]}</span>
              {canEdit ? <select
                class="select-inline" aria-label={`${LEVEL_WORDS[level]} risk tools, and tools that appear later`} value={chosen} disabled={isReadOnly}
                onChange={(event) => onRisk(level, (event.currentTarget.value || null) as Exclude<State, "custom"> | null)}
              >
                <option value="">As the default: {fallback}</option>
                {STATES.filter((state) => state !== "custom" || chosen === "custom").map((state) => (
                  <option key={state} value={state} disabled={state === "custom"}>{state === "custom" ? "With conditions" : STATE_WORDS[state]}</option>
                ))}
              </select> : <span>{wordFor(chosen, fallback)}</span>}
              <small class="muted">{chosen ? writeCount(level) : `${writeCount(`default ${level}`)}, by the default`}</small>
              {chosen !== "" && chosen !== "deny" && chosen !== "hide" && <button type="button" class="button button-quiet button-small" aria-label={`Conditions of the ${level} risk rule`} onClick={() => onOpen(`/risk/${level}`)}>Conditions</button>}
            </div>
          );
        })}
        <div class="level">
          <span>Default</span>
          {canEdit ? <select
            class="select-inline" aria-label="All other tools" value={fallback} disabled={isReadOnly}
            onChange={(event) => onDefault(event.currentTarget.value as "allow" | "deny")}
          ><option value="deny">Deny</option><option value="allow">Allow</option></select> : <span>{wordFor(fallback, fallback)}</span>}
          <small class="muted">{writeCount("default")}</small>
        </div>
        <div class="level">
          <span>Every tool</span> <span>{count(shared, "rule")}</span> <small class="muted">on top of the others</small>
          <button type="button" class="button button-quiet button-small" aria-label="Open the rules for every tool" onClick={() => onOpen("/all_tools")}>Open</button>
        </div>
      </div>
    </details>
  );
}
