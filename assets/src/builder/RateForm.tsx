// At most so many calls of a tool in a window of time.
import { Box, WindowPick } from "./controls";
import { memberOf, textOf, type Node, type PolicyDocument } from "./document";
import { showValues } from "./forms";

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
  return (
    <fieldset class="rule-rate" disabled={isLocked}>
      <legend>How often</legend>
      <label class="check">
        <input type="checkbox" checked={node !== undefined} onChange={(event) => onSet(event.currentTarget.checked ? '{"max": 10, "window": 60}' : null)} />
        Limit the calls of each agent
      </label>
      {node && <div class="row">
        <span>At most</span> <Box
          isShort label="At most this many calls" value={showValues("eq", [partOf("max")])} isLocked={isLocked}
          onCommit={(typed) => {
            if (!/^(0|[1-9][0-9]{0,8})$/.test(typed.trim())) return "Write a whole number, such as 10.";
            onChange("max", typed.trim());
            return "";
          }}
        /> <span>calls</span> <WindowPick text={partOf("window")} isLocked={isLocked} onText={(text) => onChange("window", text)} />
      </div>}
    </fieldset>
  );
}
