// The policy builder: the tools and what the policy does with each, over the text that the JSON editor beside it holds.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { clearOwn, restoreRule, setDefault, setRisk, setStates, type Outcome } from "./changes";
import { elementsOf, endOf, findNode, joinPointer, memberOf, readDocument, type PolicyDocument } from "./document";
import type { Edit } from "./edits";
import { FilterBar } from "./FilterBar";
import { LevelRules } from "./LevelRules";
import { CLAUSES, readPolicy, serve, STATES, type Policy, type State } from "./resolve";
import type { Props as PanelProps } from "./RulePanel";
import { ToolList } from "./ToolList";
import { ANYTHING, filterRows, type Row, type Tool } from "./tools";
import { count, STATE_WORDS } from "./words";
import type { EditorHandle } from "../editor";
import type { Report } from "../validate";

// The forms are half of the builder, and most visits to the page need none of them: they come when a rule is opened.
function LazyPanel(props: PanelProps) {
  const [panel, setPanel] = useState<typeof import("./RulePanel") | "failed" | null>(null);
  useEffect(() => {
    import("./RulePanel").then(setPanel, () => setPanel("failed"));
  }, []);
  if (panel === null) return <p class="muted" role="status">Loading the rule.</p>;
  if (panel === "failed") return <div class="notice notice-bad" role="alert"><p>The rule's form could not be loaded. Load the page again; the draft is kept.</p> <p><button type="button" class="button button-small" onClick={props.onBack}>Back to all tools</button></p></div>;
  return <panel.RulePanel {...props} />;
}

interface Props {
  tools: readonly Tool[];
  editor: EditorHandle;
  onShowJson: () => void;
}

type Plain = Exclude<State, "custom">;
const PLAIN = STATES.filter((state): state is Plain => state !== "custom");

// The last text that could be read is what stays drawn while the JSON is being typed.
function useDocument(editor: EditorHandle): { document: PolicyDocument | null; reason: string; steps: { undo: number; redo: number } } {
  const [text, setText] = useState(editor.text());
  const last = useRef<PolicyDocument | null>(null);
  useEffect(() => {
    editor.onText(() => setText(editor.text()));
    setText(editor.text());
  }, [editor]);
  return useMemo(() => {
    const reading = readDocument(text);
    if (reading.document) last.current = reading.document;
    return { document: last.current, reason: reading.reason, steps: editor.steps() };
  }, [text]);
}

function describe(outcome: Outcome, word: string): string {
  const parts = [`${word}: ${count(outcome.changed, "tool")}.`];
  if (outcome.stripped.length) parts.push(`${count(outcome.stripped.length, "tool")} lost conditions of their own; Undo brings them back.`);
  if (outcome.blocked.length) parts.push(`${count(outcome.blocked.length, "tool")} stay hidden by a pattern in hide.`);
  return parts.join(" ");
}

export function Workbench({ tools, editor, onShowJson }: Props) {
  const { document, reason, steps } = useDocument(editor);
  const [checked, setChecked] = useState<{ report: Report; text: string } | null>(null);
  const [filter, setFilter] = useState(ANYTHING);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [opened, setOpened] = useState<string | null>(null);
  // A rule that serves many tools is opened by its pointer.
  const [openedRule, setOpenedRule] = useState<string | null>(null);
  const [left, setLeft] = useState<string | null>(null);
  const [said, setSaid] = useState("");
  const forms = useRef(new Map<string, string>());
  useEffect(() => editor.onReport((report, text) => setChecked({ report, text })), [editor]);
  const report = checked?.report ?? null;
  const policy = useMemo(() => (document ? readPolicy(document) : null), [document]);
  const rows = useMemo<Row[]>(() => (policy ? tools.map((tool) => ({ tool, serving: serve(policy, tool) })) : []), [policy, tools]);
  const shown = useMemo(() => filterRows(rows, filter), [rows, filter]);
  const isReadOnly = editor.isReadOnly || reason !== "";
  if (!document || !policy) return <p class="notice">{reason} The builder draws it as soon as there is a JSON object on the other side.</p>;

  const edit = (edits: readonly Edit[]): void => {
    if (edits.length && !isReadOnly) editor.change(edits);
  };
  const show = (pointer: string): void => {
    const node = findNode(document, pointer);
    if (!node || reason) return;
    onShowJson();
    editor.reveal(node.offset, endOf(node));
  };
  const targets = selected.size ? tools.filter(({ name }) => selected.has(name)) : shown.map(({ tool }) => tool);
  const apply = (outcome: Outcome, word: string): void => {
    edit(outcome.edits);
    setSaid(describe(outcome, word));
  };
  const pick = (tool: Tool, state: State): void => {
    if (state === "custom") {
      const kept = forms.current.get(tool.name);
      if (kept !== undefined && !policy.tools.get(tool.name)?.clauses.length && !isReadOnly) edit(restoreRule(document, tool.name, kept));
      setOpened(tool.name);
      return;
    }
    const own = policy.tools.get(tool.name);
    if (own?.clauses.length) forms.current.set(tool.name, document.text.slice(own.node.offset, endOf(own.node)));
    apply(setStates(document, policy, [tool], state), `${STATE_WORDS[state]} ${tool.name}`);
  };
  const select = (names: readonly string[], isOn: boolean): void => {
    const next = new Set(selected);
    for (const name of names) isOn ? next.add(name) : next.delete(name);
    setSelected(next);
  };
  const tool = tools.find(({ name }) => name === opened) ?? null;
  const pointer = tool ? joinPointer("tools", tool.name) : openedRule;
  const shared = findNode(document, "/all_tools");
  const close = (): void => {
    if (tool) setLeft(tool.name);
    setOpened(null);
    setOpenedRule(null);
  };
  return (
    <>
      <div class="builder-bar row">
        <button type="button" class="button button-small" disabled={!steps.undo || editor.isReadOnly} onClick={() => editor.undo()}>Undo</button>
        <button type="button" class="button button-small" disabled={!steps.redo || editor.isReadOnly} onClick={() => editor.redo()}>Redo</button>
        <span class="muted" role="status">{reason ? `${reason} The builder waits with the last text that did.` : said}</span>
      </div>
      {pointer !== null
        ? <LazyPanel key={pointer} {...{ tools, tool, pointer, document, policy, report, isReadOnly }} isFresh={checked?.text === document.text} onEdit={edit} onShow={show} onBack={close} />
        : <>
          <LevelRules
            {...{ policy, rows, isReadOnly }} onOpen={setOpenedRule} shared={CLAUSES.reduce((sum, key) => sum + elementsOf(memberOf(shared, key)).length, 0)}
            onRisk={(level, state) => edit(setRisk(document, policy, level, state))}
            onDefault={(value) => edit(setDefault(document, value))}
          />
          <FilterBar tools={tools} filter={filter} onFilter={setFilter} />
          <div class="builder-bulk row" role="group" aria-label="Change many tools">
            <span aria-live="polite"><strong>{selected.size ? `${selected.size.toLocaleString("en-GB")} selected` : `${shown.length.toLocaleString("en-GB")} of ${count(tools.length, "tool")} shown`}</strong></span>
            {!editor.isReadOnly && <>
              {PLAIN.map((state) => <button key={state} type="button" class="button button-small" disabled={isReadOnly || !targets.length} onClick={() => apply(setStates(document, policy, targets, state), STATE_WORDS[state])}>{STATE_WORDS[state]} {selected.size ? "selected" : "all shown"}</button>)}
              <button type="button" class="button button-quiet button-small" disabled={isReadOnly || !targets.length} onClick={() => apply(clearOwn(document, policy, targets.map(({ name }) => name)), "Own rule removed")}>Remove own rules</button>
              {selected.size > 0 && <button type="button" class="button button-quiet button-small" onClick={() => setSelected(new Set())}>Clear the selection</button>}
            </>}
          </div>
          {shown.length === 0 && <p class="empty">No tool fits these filters.</p>}
          <ToolList rows={shown} {...{ policy, selected, isReadOnly }} focusOn={left} onSelect={select} onPick={pick} />
          {!editor.isReadOnly && <p class="hint">On a state, Left and Right choose, Up and Down change the tool, and the letters A, D, H, P and C pick Allow, Deny, Hide, Approve and Custom.</p>}
          <Elsewhere {...{ report, tools, policy }} onShow={show} onOpen={setOpenedRule} />
        </>}
    </>
  );
}

interface ElsewhereProps {
  policy: Policy;
  report: Report | null;
  tools: readonly Tool[];
  onShow: (pointer: string) => void;
  onOpen: (pointer: string) => void;
}

// The pointer of the rule that a sentence is about, where a panel can show it.
const ruleOf = (pointer: string): string | undefined => /^\/all_tools(?=\/)|^\/tools\/[^/]+$/.exec(pointer)?.[0];

// Rules that no row of the list is: patterns, rules for every tool, methods, and tools that are not there.
function Elsewhere({ report, policy, tools, onShow, onOpen }: ElsewhereProps) {
  const drawn = useMemo(() => {
    const names = new Set(tools.map(({ name }) => name));
    const hidden = policy.hide.flatMap((name, index) => (names.has(name) ? [`/hide/${index}`] : []));
    return new Set([...hidden, ...[...names].map((name) => joinPointer("tools", name))]);
  }, [tools, policy]);
  const rest = (report?.sentences ?? []).filter(({ pointer }) => /^\/(tools|all_tools|methods|hide)\//.test(pointer) && !drawn.has(pointer));
  if (!rest.length) return null;
  return (
    <details class="fold" open>
      <summary>Rules without a row of their own</summary>
      <ul class="plain rule-rest">
        {rest.map(({ pointer, text }) => <li key={pointer} class="row"><span>{text}</span> {ruleOf(pointer) && <button type="button" class="button button-quiet button-small" aria-label={`Open ${pointer}`} onClick={() => onOpen(ruleOf(pointer)!)}>Open</button>} <button type="button" class="button button-quiet button-small" aria-label={`Show ${pointer} in the JSON`} onClick={() => onShow(pointer)}>Show in the JSON</button></li>)}
      </ul>
    </details>
  );
}
