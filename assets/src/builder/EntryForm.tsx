// One argument rule as a form, and the form that adds one; both made from the tool's input schema.
import { useState } from "preact/hooks";
import { isListOp, opsFor, readValues, showValues, writeEntry, writeValue, type DrawnEntry, type Field, type Kind, type Op } from "./forms";
import { OP_WORDS } from "./words";

const KIND_WORDS: Record<Kind, string> = { require: "Only when", deny_if: "Deny when" };

interface ValueProps {
  field: Field;
  op: Op;
  values: readonly string[];
  isLocked: boolean;
  onValues: (values: readonly string[]) => void;
}

function ValueControl({ field, op, values, isLocked, onValues }: ValueProps) {
  const [isWrong, setWrong] = useState(false);
  if (field.type === "choice") {
    return (
      <fieldset class="rule-choices" disabled={isLocked}>
        <legend class="visually-hidden">{field.name}</legend>
        {field.choices.map((choice) => (
          <label key={choice} class="check"><input
            type="checkbox" checked={values.includes(choice)}
            onChange={(event) => onValues(event.currentTarget.checked ? [...values, choice] : values.filter((each) => each !== choice))}
          /> {showValues([choice])}</label>
        ))}
      </fieldset>
    );
  }
  if (field.type === "flag") {
    return (
      <select class="select-inline" aria-label={`Value of ${field.name}`} value={values[0] ?? "true"} disabled={isLocked} onChange={(event) => onValues([event.currentTarget.value])}>
        <option value="true">true</option><option value="false">false</option>
      </select>
    );
  }
  const hint = isListOp(op) ? "values, with commas between" : "a number";
  return (
    <span class="rule-value">
      <input
        type="text" aria-label={`Value of ${field.name}`} placeholder={hint} value={showValues(values)} disabled={isLocked} aria-invalid={isWrong}
        onChange={(event) => {
          const read = readValues(op, event.currentTarget.value, values);
          setWrong(read === null);
          if (read) onValues(read);
        }}
      />
      {isWrong && <small class="error" role="alert">{isListOp(op) ? "Name at least one value." : "Write a number, such as 0.5."}</small>}
    </span>
  );
}

interface EntryProps {
  entry: DrawnEntry;
  sentence: string;
  isLocked: boolean;
  onValue: (text: string) => void;
  onReason: (text: string) => void;
  onShow: () => void;
  onRemove: () => void;
}

export function EntryForm({ entry, sentence, isLocked, onValue, onReason, onShow, onRemove }: EntryProps) {
  const { field, op, values, kind, onDeny } = entry;
  // The form writes a list anew only when it says something else; an unchanged one keeps its spelling.
  const put = (next: readonly string[]): void => {
    if (next.join("\n") !== values.join("\n")) onValue(writeValue(op, next));
  };
  return (
    <div class="rule-entry" role="group" aria-label={`${KIND_WORDS[kind]} ${field.name} ${OP_WORDS[op]}`}>
      <p>{sentence || `${KIND_WORDS[kind]} ${field.name} ${OP_WORDS[op]} ${showValues(values)}`}</p>
      <div class="row"><span>{KIND_WORDS[kind]} <code>{field.name}</code> {OP_WORDS[op]}</span> <ValueControl field={field} op={op} values={values} isLocked={isLocked} onValues={put} /></div>
      <label class="field"><span>What the agent reads when it is refused</span><input type="text" value={onDeny} disabled={isLocked} onChange={(event) => onReason(event.currentTarget.value)} /></label>
      <p class="row">
        {!isLocked && <button type="button" class="button button-small" onClick={onRemove}>Remove this rule</button>}
        <button type="button" class="button button-quiet button-small" onClick={onShow}>Show in the JSON</button>
      </p>
    </div>
  );
}

interface NewProps {
  fields: readonly Field[];
  onAdd: (kind: Kind, text: string) => void;
}

export function NewEntry({ fields, onAdd }: NewProps) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState<Kind>("require");
  const [chosen, setChosen] = useState<Op | null>(null);
  const [values, setValues] = useState<readonly string[]>([]);
  const field = fields.find((each) => each.name === name);
  const op = field ? (chosen && opsFor(field).includes(chosen) ? chosen : opsFor(field)[0]!) : "in";
  const pick = (next: string): void => {
    setName(next);
    setChosen(null);
    setValues(fields.find((each) => each.name === next)?.type === "flag" ? ["true"] : []);
  };
  const add = (): void => {
    if (!field || !values.length) return;
    onAdd(kind, writeEntry(field, op, values, ""));
    pick("");
  };
  if (!fields.length) return <p class="muted">The tool names no argument that a form can draw; the JSON can still hold rules for it.</p>;
  return (
    <fieldset class="rule-entry">
      <legend>Add a rule</legend>
      <div class="row">
        <select class="select-inline" aria-label="Kind of rule" value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind)}>
          <option value="require">{KIND_WORDS.require}</option><option value="deny_if">{KIND_WORDS.deny_if}</option>
        </select>
        <select class="select-inline" aria-label="Argument" value={name} onChange={(event) => pick(event.currentTarget.value)}>
          <option value="">choose an argument</option>
          {fields.map((each) => <option key={each.name} value={each.name}>{each.name}</option>)}
        </select>
        {field && <select class="select-inline" aria-label="Comparison" value={op} onChange={(event) => { setChosen(event.currentTarget.value as Op); if (field.type === "text") setValues([]); }}>
          {opsFor(field).map((each) => <option key={each} value={each}>{OP_WORDS[each]}</option>)}
        </select>}
        {field && <ValueControl key={`${name} ${op}`} field={field} op={op} values={values} isLocked={false} onValues={setValues} />}
      </div>
      <p><button type="button" class="button button-small" disabled={!field || !values.length} onClick={add}>Add the rule</button></p>
    </fieldset>
  );
}
