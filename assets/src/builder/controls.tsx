// The boxes and choices that the rule forms are made of, and what they all need to know.
import { useEffect, useId, useState } from "preact/hooks";
import { readDocument, type PolicyDocument } from "./document";
import { applyEdits, type Edit } from "./edits";
import type { Part } from "./forms";
import { hasWildcard, writePath, type Extent, type Place } from "./places";
import { hintOf, type Problem } from "../validate";

// A form draws what stands at a pointer of a text, and gives edits of that text.
export interface Sheet {
  document: PolicyDocument;
  part: Part;
  places: readonly Place[];
  isLocked: boolean;
  // Not in the policy yet: what is being filled in is only added when it is whole.
  isDraft: boolean;
  problems: readonly Problem[];
  onEdit: (edits: readonly Edit[]) => void;
  closingOf: (problem: Problem) => { words: string; add: (() => void) | null } | null;
}

// A text of its own, for what is not in the policy yet.
export function useDraft(start: string): { document: PolicyDocument; edit: (edits: readonly Edit[]) => void } {
  const [text, setText] = useState(start);
  return { document: readDocument(text).document!, edit: (edits) => setText(applyEdits(text, edits)) };
}

interface BoxProps {
  label: string;
  value: string;
  isLocked: boolean;
  hint?: string;
  list?: string;
  isShort?: boolean;
  // What is wrong with the typed text, or "" once it is taken over.
  onCommit: (typed: string) => string;
}

// What is being typed stays in the box whatever is drawn anew meanwhile, until it is taken over or the value changes.
function useTyping(value: string, onCommit: (typed: string) => string) {
  const [typed, setTyped] = useState<string | null>(null);
  const [wrong, setWrong] = useState("");
  const forget = (): void => {
    setTyped(null);
    setWrong("");
  };
  useEffect(forget, [value]);
  const commit = (text: string): void => {
    const found = text === value ? "" : onCommit(text);
    if (found) setWrong(found);
    else forget();
  };
  return { shown: typed ?? value, wrong, setTyped, commit };
}

export function Box({ label, value, isLocked, hint = "", list, isShort, onCommit }: BoxProps) {
  const { shown, wrong, setTyped, commit } = useTyping(value, onCommit);
  const id = useId();
  return (
    <span class={isShort ? "" : "rule-value"}>
      <input
        type="text" class={isShort ? "rule-number" : ""} aria-label={label} placeholder={hint} value={shown} disabled={isLocked} list={list}
        aria-invalid={wrong !== ""} aria-describedby={wrong ? id : undefined} autocomplete="off" spellcheck={false}
        onInput={(event) => setTyped(event.currentTarget.value)} onChange={(event) => commit(event.currentTarget.value)}
      />
      {wrong && <small class="error" id={id} role="alert">{wrong}</small>}
    </span>
  );
}

interface ReasonProps {
  label: string;
  value: string;
  isLocked: boolean;
  onText: (text: string | null) => void;
}

// A text for the agent; an empty one goes with its key.
export function ReasonBox({ label, value, isLocked, onText }: ReasonProps) {
  const { shown, setTyped, commit } = useTyping(value, (typed) => {
    onText(typed ? JSON.stringify(typed) : null);
    return "";
  });
  return (
    <label class="field">
      <span>{label} <span class="muted">(optional)</span></span>
      <input type="text" value={shown} disabled={isLocked} onInput={(event) => setTyped(event.currentTarget.value)} onChange={(event) => commit(event.currentTarget.value)} />
    </label>
  );
}

interface PickProps {
  label: string;
  value: string;
  isLocked: boolean;
  options: readonly (readonly [string, string])[];
  onPick: (value: string) => void;
}

// The value that stands in the document is always among the options, also where nothing else would offer it.
export function Pick({ label, value, isLocked, options, onPick }: PickProps) {
  return (
    <select class="select-inline" aria-label={label} value={value} disabled={isLocked} onChange={(event) => onPick(event.currentTarget.value)}>
      {options.map(([key, words]) => <option key={key} value={key}>{words}</option>)}
      {!options.some(([key]) => key === value) && <option value={value}>{value}</option>}
    </select>
  );
}

interface PathProps {
  sheet: Sheet;
  label: string;
  value: string;
  places: readonly Place[];
  more?: readonly (readonly [string, string])[];
  extent: Extent;
  onPick: (path: string) => void;
}

export function PathPick({ sheet, label, value, places, more = [], extent, onPick }: PathProps) {
  const known = places.some(({ path }) => path === value) || more.some(([path]) => path === value) || !value;
  const paths = known ? places.map(({ path }) => path) : [...places.map(({ path }) => path), value];
  const [single, listed] = [paths.filter((path) => !hasWildcard(path)), paths.filter(hasWildcard)];
  const draw = (path: string) => <option key={path} value={path}>{writePath(path, extent)}</option>;
  return (
    <select class="select-inline rule-path" aria-label={label} value={value} disabled={sheet.isLocked} onChange={(event) => onPick(event.currentTarget.value)}>
      {!value && <option value="">choose an argument</option>}
      {single.map(draw)}
      {listed.length > 0 && <optgroup label="Elements of lists">{listed.map(draw)}</optgroup>}
      {more.length > 0 && <optgroup label="Other">{more.map(([path, word]) => <option key={path} value={path}>{word}</option>)}</optgroup>}
    </select>
  );
}

export const isUnder = (problem: Problem, pointer: string): boolean => problem.pointer === pointer || problem.pointer.startsWith(`${pointer}/`);

// What the check says of the places at and below a pointer.
export function Problems({ sheet, pointer, id }: { sheet: Sheet; pointer: string; id?: string }) {
  const found = sheet.problems.filter((problem) => isUnder(problem, pointer));
  if (!found.length) return null;
  return (
    <ul class="rule-problems plain" id={id}>
      {found.map((problem) => {
        const closing = sheet.isLocked ? null : sheet.closingOf(problem);
        return (
          <li key={problem.pointer + problem.message}>
            {problem.message} {!closing && hintOf(problem)}
            {closing && (closing.add ? <button type="button" class="button button-small" onClick={closing.add}>{closing.words}</button> : closing.words)}
          </li>
        );
      })}
    </ul>
  );
}

const WINDOWS = [["60", "a minute"], ["3600", "an hour"], ["86400", "a day"]] as const;
const OTHER = "other";
const SECONDS: Record<string, string> = { '"minute"': "60", '"hour"': "3600", '"day"': "86400" };

// A window is a word or seconds; whichever stands there keeps its spelling until another time is chosen.
export function WindowPick({ text, isLocked, onText }: { text: string; isLocked: boolean; onText: (text: string) => void }) {
  const seconds = SECONDS[text] ?? text;
  const [isAsked, setAsked] = useState(false);
  const isOther = isAsked || !WINDOWS.some(([value]) => value === seconds);
  const put = (next: string): void => { if (next !== seconds) onText(next); };
  const pick = (next: string): void => {
    setAsked(next === OTHER);
    if (next !== OTHER) put(next);
  };
  return (
    <>
      <Pick label="In which time" value={isOther ? OTHER : seconds} isLocked={isLocked} onPick={pick} options={[...WINDOWS, [OTHER, "other…"]]} />
      {isOther && <>
        <Box
          isShort label="Window in seconds" value={seconds} isLocked={isLocked}
          onCommit={(typed) => {
            if (!/^[1-9][0-9]{0,7}$/.test(typed.trim())) return "Write whole seconds, such as 90.";
            put(typed.trim());
            return "";
          }}
        /> <span>seconds</span>
      </>}
    </>
  );
}
