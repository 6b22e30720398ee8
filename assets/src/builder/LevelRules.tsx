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

export function LevelRules({ policy, shared, rows, isReadOnly, onRisk, onDefault, onOpen }: Props) {
  const fallback = policy.isDefaultAllow ? "allow" : "deny";
  const served = useMemo(() => {
    const found = new Map<string, number>();
    for (const { tool, serving } of rows) {
      const key = serving.source === "risk" ? tool.level : serving.source;
      found.set(key, (found.get(key) ?? 0) + 1);
    }
    return found;
  }, [rows]);
  return (
    <details class="fold" open>
      <summary>By risk level, and tools that appear later</summary>
      <div class="levels">
        {LEVELS.map((level) => {
          const chosen = chosenFor(policy, level);
          return (
            <label key={level} class="level">
              <span class={`badge badge-${level}`}>{LEVEL_WORDS[level]}</span>
              <select
                class="select-inline" aria-label={`${LEVEL_WORDS[level]} risk tools, and tools that appear later`} value={chosen} disabled={isReadOnly}
                onChange={(event) => onRisk(level, (event.currentTarget.value || null) as Exclude<State, "custom"> | null)}
              >
                <option value="">As the default: {fallback}</option>
                {STATES.filter((state) => state !== "custom" || chosen === "custom").map((state) => (
                  <option key={state} value={state} disabled={state === "custom"}>{state === "custom" ? "With conditions" : STATE_WORDS[state]}</option>
                ))}
              </select>
              <small class="muted">serves {count(served.get(level) ?? 0, "tool")}</small>
              {chosen !== "" && chosen !== "deny" && chosen !== "hide" && <button type="button" class="button button-quiet button-small" aria-label={`Conditions of the ${level} risk rule`} onClick={() => onOpen(`/risk/${level}`)}>Conditions</button>}
            </label>
          );
        })}
        <label class="level">
          <span>Default</span>
          <select
            class="select-inline" aria-label="Tools that no rule serves" value={fallback} disabled={isReadOnly}
            onChange={(event) => onDefault(event.currentTarget.value as "allow" | "deny")}
          ><option value="deny">Deny</option><option value="allow">Allow</option></select>
          <small class="muted">serves {count(served.get("default") ?? 0, "tool")}</small>
        </label>
        <div class="level">
          <span>Every tool</span> <small class="muted">{count(shared, "rule")} on top of the others</small>
          <button type="button" class="button button-quiet button-small" aria-label="Open the rules for every tool" onClick={() => onOpen("/all_tools")}>Open</button>
        </div>
      </div>
    </details>
  );
}
