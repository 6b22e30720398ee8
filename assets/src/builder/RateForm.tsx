// At most so many calls of a tool in a window of time.
import { memberOf, textOf, type Node, type PolicyDocument } from "./document";
import { showValues } from "./forms";

const WINDOWS = [["60", "a minute"], ["3600", "an hour"], ["86400", "a day"]] as const;
const WORDS: Record<string, string> = { '"minute"': "60", '"hour"': "3600", '"day"': "86400" };

interface Props {
  document: PolicyDocument;
  node: Node | undefined;
  isLocked: boolean;
  onSet: (text: string | null) => void;
  onChange: (key: "max" | "window", text: string) => void;
}

export function RateForm({ document, node, isLocked, onSet, onChange }: Props) {
  const partOf = (key: string): string => {
    const part = memberOf(node, key);
    return part ? textOf(document, part) : "";
  };
  const max = partOf("max");
  const seconds = WORDS[partOf("window")] ?? partOf("window");
  return (
    <fieldset class="rule-rate" disabled={isLocked}>
      <legend>How often</legend>
      <label class="check">
        <input type="checkbox" checked={node !== undefined} onChange={(event) => onSet(event.currentTarget.checked ? '{"max": 10, "window": 60}' : null)} />
        Limit the calls of each agent
      </label>
      {node && <p class="row">
        <label>At most <input
          class="rule-number" inputMode="numeric" pattern="[0-9]+" value={showValues([max])} aria-label="At most this many calls"
          onChange={(event) => {
            const typed = event.currentTarget.value.trim();
            if (/^(0|[1-9][0-9]{0,8})$/.test(typed)) onChange("max", typed);
            else event.currentTarget.value = showValues([max]);
          }}
        /> calls</label>
        <select class="select-inline" aria-label="In which time" value={seconds} onChange={(event) => { if (event.currentTarget.value !== seconds) onChange("window", event.currentTarget.value); }}>
          {WINDOWS.map(([value, word]) => <option key={value} value={value}>{word}</option>)}
          {!WINDOWS.some(([value]) => value === seconds) && <option value={seconds}>in {seconds} seconds</option>}
        </select>
        <label>or in <input
          class="rule-number" inputMode="numeric" value={seconds} aria-label="Window in seconds"
          onChange={(event) => {
            const typed = event.currentTarget.value.trim();
            if (/^[1-9][0-9]{0,7}$/.test(typed)) { if (typed !== seconds) onChange("window", typed); }
            else event.currentTarget.value = seconds;
          }}
        /> seconds</label>
      </p>}
    </fieldset>
  );
}
