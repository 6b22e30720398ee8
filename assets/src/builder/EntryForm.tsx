// One argument rule or limit as a form, and the form that adds one; both made from the tools' input schemas.
import { useState } from "preact/hooks";
import { AmountForm, BLANK_AMOUNT } from "./AmountForm";
import { BLANK_CONDITION, ConditionList, writeConditions } from "./Conditions";
import { Box, Pick, Problems, ReasonBox, useDraft, WindowPick, type Sheet } from "./controls";
import { elementsOf, findNode, memberOf, stringOf, textOf } from "./document";
import { isWhole, NUMBER, PARTS, SCOPES, showValues, type Part } from "./forms";
import { hasWildcard, listOf, placesIn, writePath } from "./places";
import { changeAt, changeEach, changeKeys } from "./strokes";

const PART_WORDS: Record<Part, string> = { require: "Only when", deny_if: "Deny when", approve_if: "Ask a person when", limits: "At most" };
const SCOPE_WORDS: Record<string, string> = { grant: "for each grant", server: "for the whole server", organisation: "for the whole organisation", session: "for each grant (session)" };
const BLANKS: Record<Part, string> = {
  require: `{"conditions": [${BLANK_CONDITION}]}`, deny_if: `{"conditions": [${BLANK_CONDITION}]}`, approve_if: `{"conditions": [${BLANK_CONDITION}]}`,
  limits: '{"counter": "", "window": "day", "max": null}',
};

interface BodyProps {
  sheet: Sheet;
  pointer: string;
  isShared: boolean;
}

function Body({ sheet, pointer, isShared }: BodyProps) {
  const { document, part, isLocked, onEdit } = sheet;
  const node = findNode(document, pointer);
  const reasonKey = memberOf(node, "reason") ? "reason" : "on_deny";
  const change = (texts: Readonly<Record<string, string | null>>): void => onEdit(changeKeys(document, pointer, texts));
  return (
    <>
      {part === "limits" ? <LimitBody {...{ sheet, pointer, change }} /> : <EntryBody {...{ sheet, pointer }} />}
      {isShared && <Selector {...{ sheet, pointer, change }} />}
      <ReasonBox
        label={`What the agent reads when it is ${part === "approve_if" ? "held" : "refused"}`} value={stringOf(memberOf(node, reasonKey)) ?? ""} isLocked={isLocked}
        onText={(text) => change({ [reasonKey]: text })}
      />
    </>
  );
}

function EntryBody({ sheet, pointer }: { sheet: Sheet; pointer: string }) {
  const node = findNode(sheet.document, pointer);
  const each = listOf(stringOf(memberOf(node, "each")) ?? "");
  const lists = sheet.places.filter(({ type }) => type === "list").map(({ path }) => `${path}[*]`);
  const inner: Sheet = { ...sheet, places: placesIn(sheet.places, each) };
  const name = (list: string): string => writePath(list.slice(0, -3), "");
  const listed = elementsOf(memberOf(node, "conditions")).filter((condition) => hasWildcard(stringOf(memberOf(condition, "path")) ?? ""));
  return (
    <>
      {(lists.length > 0 || each) && <div class="row"><span>Look at</span> <Pick
        label="What the conditions look at" value={each} isLocked={sheet.isLocked}
        options={[["", "the call as a whole"], ...lists.map((list) => [list, `each element of ${name(list)}`] as const)]}
        onPick={(list) => sheet.onEdit(changeEach(sheet.document, pointer, list))}
      /></div>}
      <ConditionList sheet={inner} pointer={`${pointer}/conditions`} />
      {each && <p class="hint">{sheet.part === "require" ? "Every element must fit, and an empty list is refused." : "One element for which all conditions hold is enough."}</p>}
      {!each && listed.length > 0 && <p class="hint">{sheet.part === "require"
        ? "Every element of the list must fit, and an empty list is refused."
        : `One element of the list is enough.${listed.length > 1 ? " Two conditions may be met by two different elements; to judge each element by all of them, look at each element." : ""}`}</p>}
    </>
  );
}

interface PartProps {
  sheet: Sheet;
  pointer: string;
  change: (texts: Readonly<Record<string, string | null>>) => void;
}

function LimitBody({ sheet, pointer, change }: PartProps) {
  const { document, isLocked } = sheet;
  const node = findNode(document, pointer);
  const partOf = (key: string): string => {
    const value = memberOf(node, key);
    return value ? textOf(document, value) : "";
  };
  const hasAmount = memberOf(node, "amount") !== undefined;
  const [max, scope] = [partOf("max"), stringOf(memberOf(node, "scope")) ?? "grant"];
  return (
    <>
      <div class="row">
        <span>At most</span> <Box
          isShort label="At most this many or much" value={max === "null" ? "" : showValues("eq", [max])} isLocked={isLocked} hint="a number"
          onCommit={(typed) => {
            const number = typed.trim();
            if (!NUMBER.test(number) || number.startsWith("-")) return "Write a number, such as 20000.";
            change({ max: max.startsWith('"') ? JSON.stringify(number) : number });
            return "";
          }}
        />
        <Pick label="What is counted" value={hasAmount ? "amount" : "calls"} isLocked={isLocked} options={[["calls", "calls"], ["amount", "of an amount:"]]} onPick={(what) => change({ amount: what === "amount" ? BLANK_AMOUNT : null })} />
        {hasAmount && <AmountForm sheet={sheet} pointer={`${pointer}/amount`} />}
      </div>
      <div class="row"><WindowPick text={partOf("window")} isLocked={isLocked} onText={(text) => change({ window: text })} />
        <Pick label="For whom" value={scope} isLocked={isLocked} options={[...SCOPES, ...(scope === "session" ? [scope] : [])].map((each) => [each, SCOPE_WORDS[each] ?? each])} onPick={(next) => change({ scope: JSON.stringify(next) })} />
      </div>
      <div class="row"><span>Counted under the name</span> <Box
        label="Name of the counter" value={stringOf(memberOf(node, "counter")) ?? ""} isLocked={isLocked} hint="such as notional"
        onCommit={(typed) => {
          if (!typed.trim()) return "Give the counter a name; limits with the same name share one history.";
          change({ counter: JSON.stringify(typed.trim()) });
          return "";
        }}
      /></div>
    </>
  );
}

const SELECTORS = [["", "every tool"], ["for", "only these tools:"], ["except", "all tools but these:"]] as const;

// An entry of all_tools may name the tools that it holds for.
function Selector({ sheet: { document, isLocked, onEdit }, pointer, change }: PartProps) {
  const node = findNode(document, pointer);
  const key = ["for", "except"].find((each) => memberOf(node, each)) ?? "";
  const list = memberOf(node, key);
  const names = elementsOf(list).map((name) => stringOf(name) ?? "");
  return (
    <div class="row"><span>Holds for</span> <Pick
      label="Tools it holds for" value={key} isLocked={isLocked} options={SELECTORS}
      onPick={(next) => change({ ...(key ? { [key]: null } : {}), ...(next ? { [next]: list ? textOf(document, list) : "[]" } : {}) })}
    />
      {key && <Box
        label="Names or patterns of tools" value={names.join(", ")} isLocked={isLocked} hint="such as get*, cancelOrder"
        onCommit={(typed) => {
          const words = typed.split(",").map((word) => word.trim()).filter(Boolean);
          if (!words.length) return "Name at least one tool or pattern.";
          onEdit(changeAt(document, `${pointer}/${key}`, `[${words.map((word) => JSON.stringify(word)).join(", ")}]`));
          return "";
        }}
      />}
    </div>
  );
}

interface EntryProps extends BodyProps {
  sentence: string;
  onShow: () => void;
  onRemove: () => void;
}

export function EntryForm({ sheet, pointer, isShared, sentence, onShow, onRemove }: EntryProps) {
  const node = findNode(sheet.document, pointer);
  const each = listOf(stringOf(memberOf(node, "each")) ?? "");
  const inner = { ...sheet, places: placesIn(sheet.places, each) };
  const words = sheet.part === "limits" ? `a limit on ${stringOf(memberOf(node, "counter")) ?? ""}` : writeConditions(inner, memberOf(node, "conditions"));
  // What is wrong with a condition is said at the condition.
  const rest = sheet.problems.filter((problem) => !problem.pointer.startsWith(`${pointer}/conditions/`) && !/\/amount\/\d+\/when\/\d+/.test(problem.pointer));
  return (
    <div class="rule-entry" role="group" aria-label={`${PART_WORDS[sheet.part]} ${words}`} data-at={pointer} tabIndex={-1}>
      <p>{sentence || `${PART_WORDS[sheet.part]} ${words}`}</p>
      <Problems sheet={{ ...sheet, problems: rest }} pointer={pointer} />
      {sheet.part !== "limits" && <span class="muted">{PART_WORDS[sheet.part]}</span>}
      <Body {...{ sheet, pointer, isShared }} />
      <p class="row">
        {!sheet.isLocked && <button type="button" class="button button-small" onClick={onRemove}>Remove this rule</button>}
        <button type="button" class="button button-quiet button-small" onClick={onShow}>Show in the JSON</button>
      </p>
    </div>
  );
}

interface NewProps {
  sheet: Sheet;
  isShared: boolean;
  onAdd: (part: Part, text: string) => void;
}

export function NewEntry({ sheet, isShared, onAdd }: NewProps) {
  const [part, setPart] = useState<Part>("require");
  const [round, setRound] = useState(0);
  const add = (text: string): void => {
    onAdd(part, text);
    setRound(round + 1);
  };
  return (
    <div class="rule-entry" role="group" aria-label="Add a rule">
      <p>Add a rule</p>
      <Pick label="Kind of rule" value={part} isLocked={false} options={PARTS.map((each) => [each, PART_WORDS[each]])} onPick={(next) => setPart(next as Part)} />
      <Draft key={`${part} ${round}`} sheet={{ ...sheet, part }} isShared={isShared} onAdd={add} />
    </div>
  );
}

function Draft({ sheet, isShared, onAdd }: { sheet: Sheet; isShared: boolean; onAdd: (text: string) => void }) {
  const { document, edit } = useDraft(BLANKS[sheet.part]);
  const isReady = isWhole(document.root);
  return (
    <>
      <Body sheet={{ ...sheet, document, isDraft: true, problems: [], onEdit: edit }} pointer="" isShared={isShared} />
      <p class="row">
        <button type="button" class="button button-small" disabled={!isReady} onClick={() => onAdd(document.text.trim())}>Add the rule</button>
        {!isReady && <span class="hint">It can be added when every box is filled in.</span>}
      </p>
    </>
  );
}
