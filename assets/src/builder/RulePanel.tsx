// One rule, of a tool or of many: what it does, how often, its argument rules and limits. What no form can draw stands as
// a sentence with its JSON.
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { addItem, changeRule, clearOwn, dropItem, isBlocked } from "./changes";
import { isUnder, Problems, type Sheet } from "./controls";
import { elementsOf, findNode, memberOf, textOf, type Node, type PolicyDocument } from "./document";
import type { Changes, Edit } from "./edits";
import { EntryForm, NewEntry } from "./EntryForm";
import { isDrawn, PARTS, type Part } from "./forms";
import { joinPlaces } from "./places";
import { serve, type Policy } from "./resolve";
import { RuleHead } from "./RuleHead";
import { changeShared, findClosing } from "./strokes";
import type { Tool } from "./tools";
import { LEVEL_WORDS } from "./words";
import type { Report } from "../validate";

export interface Props {
  tools: readonly Tool[];
  // The tool whose rule this is; a rule that serves many has a pointer instead: a level's, a pattern's or /all_tools.
  tool: Tool | null;
  pointer: string;
  document: PolicyDocument;
  policy: Policy;
  report: Report | null;
  // Whether the report is about this very text; pointers into lists may be another rule's otherwise.
  isFresh: boolean;
  isReadOnly: boolean;
  onEdit: (edits: readonly Edit[]) => void;
  onShow: (pointer: string) => void;
}

const ALL_TOOLS = "/all_tools";

function titleOf(pointer: string): string {
  if (pointer === ALL_TOOLS) return "Every tool";
  const name = pointer.slice(pointer.indexOf("/", 1) + 1).replaceAll("~1", "/").replaceAll("~0", "~");
  return pointer.startsWith("/risk/") ? `${LEVEL_WORDS[name] ?? name} risk tools, and tools that appear later` : name;
}

interface Item {
  part: Part;
  index: number;
  pointer: string;
  node: Node;
}

const itemsOf = (rule: Node | undefined, base: string): Item[] =>
  PARTS.flatMap((part) => elementsOf(memberOf(rule, part)).map((node, index) => ({ part, index, pointer: `${base}/${part}/${index}`, node })));

export function RulePanel(props: Props) {
  const { tools, tool, pointer, document, policy, report, isFresh, isReadOnly, onEdit, onShow } = props;
  const box = useRef<HTMLElement>(null);
  // Where the keyboard goes once an edit is drawn: to the rule that it made, or to the head of the rules.
  const wanted = useRef<string | null>("head");
  const [said, setSaid] = useState("");
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    const target = box.current?.querySelector<HTMLElement>(`[data-at="${CSS.escape(wanted.current)}"]`);
    if (!target) return;
    wanted.current = null;
    target.focus();
  });
  const isShared = pointer === ALL_TOOLS;
  const isNamed = pointer.startsWith("/tools/");
  const rule = findNode(document, pointer);
  const served = useMemo(
    () => (tool ? [tool] : isShared ? tools : tools.filter((each) => serve(policy, each).rule?.pointer === pointer)), [tools, tool, policy, pointer]);
  const names = served.map(({ name }) => name).join("\n");
  const places = useMemo(() => joinPlaces(served.map((each) => each.input_schema)), [names]);
  const isLocked = isReadOnly || (tool !== null && isBlocked(policy, tool.name));
  const current = isFresh ? report : null;
  const sentence = (at: string): string => [...(current?.parts ?? []), ...(current?.sentences ?? [])].find((part) => part.pointer === at)?.text ?? "";
  const problems = [...(current?.errors ?? []), ...(current?.warnings ?? [])].filter(
    (problem) => isUnder(problem, pointer));
  const change = (changes: Changes, isCondition = true): void =>
    onEdit(tool ? changeRule(document, policy, tool, changes, isCondition) : changeShared(document, pointer, changes));
  // A tool without its own rule gets a copy of the one that serves it, whose entries come before the added one.
  const add = (part: Part, text: string): void => {
    const base = rule ?? (tool ? serve(policy, tool).rule?.node : undefined);
    wanted.current = `${pointer}/${part}/${elementsOf(memberOf(base, part)).length}`;
    change(addItem(part, text));
  };
  const closingOf: Sheet["closingOf"] = (problem) => {
    const closing = findClosing(document, problem, served);
    if (closing?.base !== pointer) return null;
    const { entry, path } = closing;
    if (entry === null) return { words: "To require it here would refuse every call of the tools that have no such argument; close it in a rule of those that have.", add: null };
    const close = (): void => {
      add("require", entry);
      setSaid(`Calls without ${path} are now refused. Undo takes that back.`);
    };
    return { words: `Close it: refuse calls without ${path}`, add: close };
  };
  const sheet: Omit<Sheet, "part"> = { document, places, isLocked, isDraft: false, problems, onEdit, closingOf };
  const items = itemsOf(rule, pointer);
  const remove = ({ part, index }: Item): void => {
    wanted.current = "rules";
    if (rule) change(dropItem(rule, part, index), false);
  };
  // What is wrong with one of the rules below is said there.
  const rest = problems.filter((problem) => !items.some((item) => isUnder(problem, item.pointer)));
  const whole = report?.sentences.find((each) => each.pointer === pointer)?.text;
  return (
    <section class="rule stack" aria-labelledby="rule-head" ref={box}>
      <h2 id="rule-head" tabIndex={-1} data-at="head">{isNamed ? <code>{titleOf(pointer)}</code> : titleOf(pointer)} {tool && <small class="muted">{tool.title}</small>}</h2>
      {isShared
        ? <p class="muted">These rules hold for every call as well, whatever other rule serves the tool.</p>
        : <RuleHead {...{ tool, pointer, rule, document, policy, isLocked, onEdit, onShow }} served={served.length} sentence={whole} onChange={change} />}
      <Problems sheet={{ ...sheet, part: "require", problems: rest }} pointer={pointer} />
      <h3 tabIndex={-1} data-at="rules">Argument rules and limits</h3>
      <p class="visually-hidden" role="status">{said}</p>
      {items.map((item) => {
        const parts = { key: item.pointer, sheet: { ...sheet, part: item.part }, sentence: sentence(item.pointer), onShow: () => onShow(item.pointer) };
        return isDrawn(item.part, item.node, isShared)
          ? <EntryForm {...parts} pointer={item.pointer} isShared={isShared} onRemove={() => remove(item)} />
          : <Undrawn {...parts} item={item} />;
      })}
      {items.length === 0 && <p class="muted">None: any arguments will do.</p>}
      {!isLocked && <NewEntry sheet={{ ...sheet, part: "require" }} isShared={isShared} onAdd={add} />}
      {rule && <p class="row">
        <button type="button" class="button button-small" onClick={() => onShow(pointer)}>Show the whole rule in the JSON</button>
        {tool && !isReadOnly && <button type="button" class="button button-small" onClick={() => { wanted.current = "head"; onEdit(clearOwn(document, policy, [tool.name]).edits); }}>Remove all rules of {tool.name}</button>}
      </p>}
    </section>
  );
}

interface UndrawnProps {
  item: Item;
  sheet: Sheet;
  sentence: string;
  onShow: () => void;
}

function Undrawn({ item, sheet, sentence, onShow }: UndrawnProps) {
  return (
    <div class="rule-entry" data-at={item.pointer} tabIndex={-1}>
      <p>{sentence || "A rule without a form."}</p>
      <Problems sheet={sheet} pointer={item.pointer} />
      <pre tabIndex={0} aria-label={`JSON of ${item.pointer}`}><code>{textOf(sheet.document, item.node)}</code></pre>
      <p><button type="button" class="button button-small" onClick={onShow}>Show in the JSON</button></p>
    </div>
  );
}
