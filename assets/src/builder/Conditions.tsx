// Conditions as forms: what they look at, how it is compared, with what.
import { useId, useRef, useState } from "preact/hooks";
import { AmountForm, BLANK_AMOUNT } from "./AmountForm";
import { Box, PathPick, Pick, Problems, useDraft, type Sheet } from "./controls";
import { elementsOf, findNode, memberOf, stringOf, textOf, type Node } from "./document";
import { blankValue, carryValue, DAYS, isListOp, isOrderOp, isWhole, opsFor, otherOf, readValues, showValues, takesArgument, textsOf, writeValue, type Op } from "./forms";
import { hasWildcard, writePath, type Extent, type PlaceType } from "./places";
import { changeAt, changeItems, changeKeys } from "./strokes";
import { capitalise, OP_WORDS } from "./words";

export const BLANK_CONDITION = '{"path": "", "op": "in", "value": []}';
const AMOUNT = "(amount)";
const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

interface Subject {
  path: string;
  name: string;
  type: PlaceType;
  choices: readonly string[];
}

const extentOf = ({ part }: Sheet): Extent => (part === "require" ? "all of " : "any of ");

function subjectOf(sheet: Sheet, condition: Node | undefined): Subject {
  const path = stringOf(memberOf(condition, "path"));
  if (path === undefined) return { path: AMOUNT, name: "the amount", type: "amount", choices: [] };
  const name = path ? writePath(path, extentOf(sheet)) : "the argument";
  if (path === "call.time") return { path, name, type: "time", choices: [] };
  const place = sheet.places.find((each) => each.path === path);
  return { path, name, type: place?.type ?? "any", choices: place?.choices ?? [] };
}

// The conditions of a list in a few words, as the name of the group that holds them.
export function writeConditions(sheet: Sheet, list: Node | undefined): string {
  return elementsOf(list).map((node) => `${subjectOf(sheet, node).name} ${OP_WORDS[(stringOf(memberOf(node, "op")) ?? "eq") as Op]}`).join(" and ") || "always";
}

export function ConditionList({ sheet, pointer, canBeEmpty = false }: { sheet: Sheet; pointer: string; canBeEmpty?: boolean }) {
  const [isAdding, setAdding] = useState(false);
  const { document, isLocked, onEdit } = sheet;
  const conditions = elementsOf(findNode(document, pointer));
  const add = (text: string): void => onEdit(changeItems(document, pointer, [], [text]));
  // What goes takes the focus with it, unless that has gone before.
  const box = useRef<HTMLDivElement>(null);
  const stay = (): void => box.current?.focus();
  return (
    <div class="rule-conditions" role="group" aria-label="Conditions" tabIndex={-1} ref={box}>
      {conditions.map((node, index) => (
        <div key={index} class="rule-condition" role="group" aria-label={`Condition ${index + 1}`}>
          <ConditionRow sheet={sheet} pointer={`${pointer}/${index}`} node={node} lead={index ? "and" : ""} />
          {!isLocked && (canBeEmpty || conditions.length > 1) && <button
            type="button" class="button button-quiet button-small" aria-label={`Remove condition ${index + 1}`}
            onClick={() => { stay(); onEdit(changeItems(document, pointer, [index])); }}
          >Remove</button>}
        </div>
      ))}
      {isAdding && !isLocked
        ? <NewCondition sheet={sheet} onAdd={(text) => { stay(); add(text); setAdding(false); }} onLeave={() => { stay(); setAdding(false); }} />
        : !isLocked && <p><button type="button" class="button button-quiet button-small" onClick={() => (sheet.isDraft ? add(BLANK_CONDITION) : setAdding(true))}>Add a condition</button></p>}
    </div>
  );
}

function NewCondition({ sheet, onAdd, onLeave }: { sheet: Sheet; onAdd: (text: string) => void; onLeave: () => void }) {
  const { document, edit } = useDraft(`{"it": ${BLANK_CONDITION}}`);
  const node = findNode(document, "/it")!;
  return (
    <div class="rule-condition" role="group" aria-label="New condition">
      <ConditionRow sheet={{ ...sheet, document, isDraft: true, problems: [], onEdit: edit }} pointer="/it" node={node} lead="and" />
      <button type="button" class="button button-small" disabled={!isWhole(node)} onClick={() => onAdd(textOf(document, node))}>Add the condition</button>
      <button type="button" class="button button-quiet button-small" onClick={onLeave}>Cancel</button>
    </div>
  );
}

function ConditionRow({ sheet, pointer, node, lead }: { sheet: Sheet; pointer: string; node: Node; lead: string }) {
  const { document, isLocked, onEdit } = sheet;
  const subject = subjectOf(sheet, node);
  const op = (stringOf(memberOf(node, "op")) ?? "eq") as Op;
  const value = memberOf(node, "value");
  const id = useId();
  const change = (texts: Readonly<Record<string, string | null>>): void => onEdit(changeKeys(document, pointer, texts));
  const pickSubject = (path: string): void => {
    const type = path === AMOUNT ? "amount" : path === "call.time" ? "time" : (sheet.places.find((place) => place.path === path)?.type ?? "any");
    const next = opsFor(type).includes(op) ? op : opsFor(type)[0]!;
    const isAlike = next === op && type === subject.type && type !== "choice";
    const kept = isAlike && value ? textOf(document, value) : blankValue(next, type, zone());
    const isSwap = (path === AMOUNT) !== (subject.path === AMOUNT);
    if (!isSwap) change({ path: JSON.stringify(path), op: JSON.stringify(next), value: kept });
    else onEdit(changeAt(document, pointer, `{${path === AMOUNT ? `"amount": ${BLANK_AMOUNT}` : `"path": ${JSON.stringify(path)}`}, "op": "${next}", "value": ${kept}}`));
  };
  const pickOp = (next: string): void => change({ op: JSON.stringify(next), value: carryValue(document, value, next as Op, subject.type) });
  const ops = opsFor(subject.type);
  return (
    <div class="row" role="group" aria-label={subject.name} aria-describedby={id}>
      {lead && <span>{lead}</span>}
      <PathPick
        sheet={sheet} extent={extentOf(sheet)} label="Argument" value={subject.path} places={sheet.places} onPick={pickSubject}
        more={[["call.time", "the time of the call"], [AMOUNT, "an amount"]]}
      />
      {subject.path === AMOUNT && <AmountForm sheet={sheet} pointer={`${pointer}/amount`} />}
      {subject.path && op !== "within" && <Pick label="Comparison" value={op} isLocked={isLocked} options={(ops.includes(op) ? ops : [...ops, op]).map((each) => [each, OP_WORDS[each]])} onPick={pickOp} />}
      {subject.path && op === "within" && <HoursForm sheet={sheet} pointer={`${pointer}/value`} />}
      {subject.path && op !== "within" && <ValueForm {...{ sheet, pointer, subject, op }} value={value} />}
      <Problems sheet={{ ...sheet, problems: sheet.problems.filter((problem) => !/\/when\/\d+/.test(problem.pointer.slice(pointer.length))) }} pointer={pointer} id={id} />
    </div>
  );
}

interface ValueProps {
  sheet: Sheet;
  pointer: string;
  subject: Subject;
  op: Op;
  value: Node | undefined;
}

function ValueForm({ sheet, pointer, subject, op, value }: ValueProps) {
  const { document, isLocked, onEdit } = sheet;
  const put = (text: string): void => onEdit(changeAt(document, `${pointer}/value`, text));
  const others = sheet.places.filter(({ path }) => !hasWildcard(path) && path !== subject.path);
  const other = otherOf(value);
  const canName = takesArgument(op) && others.length > 0;
  return (
    <>
      {canName && <Pick
        label="Compared with" value={other ? "path" : "value"} isLocked={isLocked} options={[["value", isListOp(op) ? "these values" : "this value"], ["path", "the argument"]]}
        onPick={(kind) => put(kind === "path" ? '{"path": ""}' : blankValue(op, subject.type))}
      />}
      {other
        ? <PathPick sheet={sheet} extent="" label="Other argument" value={stringOf(other) ?? ""} places={others} onPick={(path) => onEdit(changeAt(document, `${pointer}/value/path`, JSON.stringify(path)))} />
        : <LiteralForm {...{ sheet, subject, op, put }} texts={textsOf(document, value)} />}
    </>
  );
}

interface LiteralProps {
  sheet: Sheet;
  subject: Subject;
  op: Op;
  texts: readonly string[];
  put: (text: string) => void;
}

function LiteralForm({ sheet: { isLocked }, subject, op, texts, put }: LiteralProps) {
  const label = `Value of ${subject.name}`;
  const [first = ""] = texts;
  if (op === "exists") return <Pick label={label} value={first} isLocked={isLocked} options={[["true", "given"], ["false", "left out"]]} onPick={put} />;
  if (subject.type === "flag" && /^(?:true|false)$/.test(first)) return <Pick label={label} value={first} isLocked={isLocked} options={[["true", "true"], ["false", "false"]]} onPick={put} />;
  if (subject.type === "choice" && isListOp(op)) {
    return (
      <fieldset class="rule-choices" disabled={isLocked}>
        <legend class="visually-hidden">{label}</legend>
        {[...new Set([...subject.choices, ...texts])].map((choice) => (
          <label key={choice} class="check"><input
            type="checkbox" checked={texts.includes(choice)}
            onChange={(event) => put(writeValue(op, event.currentTarget.checked ? [...texts, choice] : texts.filter((each) => each !== choice)))}
          /> {showValues("eq", [choice])}</label>
        ))}
      </fieldset>
    );
  }
  if (subject.type === "choice" && !isOrderOp(op)) {
    const options = subject.choices.map((choice) => [choice, showValues("eq", [choice])] as const);
    return <Pick label={label} value={first} isLocked={isLocked} options={first === '""' ? [['""', "choose a value"], ...options] : options} onPick={put} />;
  }
  const isNumber = isOrderOp(op) || subject.type === "amount" || subject.type === "number";
  const hint = isListOp(op) ? "values, with commas between" : isNumber ? "a number" : op === "matches" || op === "regex" ? "an RE2 pattern" : "a value";
  return (
    <Box
      label={label} value={showValues(op, texts)} isLocked={isLocked} hint={hint}
      onCommit={(typed) => {
        const read = readValues(op, subject.type, typed, texts);
        // A list of numbers takes no words, nor does one that is compared as a number.
        if (read === null || (isNumber && subject.type === "number" && read.some((text) => text.startsWith('"') && !texts.includes(text)))) {
          return isListOp(op) ? `Name at least one ${isNumber ? "number" : "value"}.` : isNumber ? "Write a number, such as 0.5." : "Write a value.";
        }
        put(writeValue(op, read));
        return "";
      }}
    />
  );
}

function HoursForm({ sheet, pointer }: { sheet: Sheet; pointer: string }) {
  const { document, isLocked, onEdit } = sheet;
  const value = findNode(document, pointer);
  const zones = useId();
  const change = (texts: Readonly<Record<string, string | null>>): void => onEdit(changeKeys(document, pointer, texts));
  const list = memberOf(value, "days");
  const days = list ? elementsOf(list).map((day) => stringOf(day) ?? "") : [...DAYS];
  const hasHours = memberOf(value, "from") !== undefined;
  const setDay = (day: string, isOn: boolean): void => {
    const next = isOn ? DAYS.filter((each) => each === day || days.includes(each)) : days.filter((each) => each !== day);
    change({ days: JSON.stringify(next).replaceAll(",", ", ") });
  };
  const clock = (key: "from" | "to", label: string) => (
    <Box
      isShort label={label} value={stringOf(memberOf(value, key)) ?? ""} isLocked={isLocked} hint="HH:MM"
      onCommit={(typed) => {
        if (!/^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/.test(typed.trim())) return "Write a time such as 08:30, up to 24:00.";
        change({ [key]: JSON.stringify(typed.trim()) });
        return "";
      }}
    />
  );
  return (
    <>
      <fieldset class="rule-choices" disabled={isLocked}>
        <legend>is within these days</legend>
        {DAYS.map((day) => <label key={day} class="check"><input type="checkbox" checked={days.includes(day)} onChange={(event) => setDay(day, event.currentTarget.checked)} /> {capitalise(day)}</label>)}
      </fieldset>
      <label class="check"><input
        type="checkbox" checked={hasHours} disabled={isLocked}
        onChange={(event) => change(event.currentTarget.checked ? { from: '"08:00"', to: '"18:00"' } : { from: null, to: null })}
      /> between hours</label>
      {hasHours && <>{clock("from", "From")} <span>to</span> {clock("to", "To")}</>}
      <span>in the time zone</span>
      <Box
        label="Time zone" value={stringOf(memberOf(value, "tz")) ?? ""} isLocked={isLocked} list={zones} hint="such as Europe/London"
        onCommit={(typed) => {
          if (!typed.trim()) return "Name a time zone, such as UTC.";
          change({ tz: JSON.stringify(typed.trim()) });
          return "";
        }}
      />
      <datalist id={zones}><option value="UTC" />{Intl.supportedValuesOf("timeZone").map((name) => <option key={name} value={name} />)}</datalist>
    </>
  );
}

