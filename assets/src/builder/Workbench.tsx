// The policy builder: the tools and what the policy does with each, over the text that the JSON editor beside it holds.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { clearOwn, restoreRule, setDefault, setRisk, setStates, type Outcome } from "./changes";
import { elementsOf, endOf, findNode, joinPointer, memberOf, readDocument, type PolicyDocument } from "./document";
import type { Edit } from "./edits";
import { FilterBar } from "./FilterBar";
import { LevelRules } from "./LevelRules";
import { CLAUSES, LEVELS, readPolicy, serve, STATES, type Policy, type State } from "./resolve";
import type { Props as PanelProps } from "./RulePanel";
import { ToolList } from "./ToolList";
import { keepFilter, readFilter } from "./address";
import { ANYTHING, BY_CALLS, filterRows, findAbsent, type Row, type Tool, type Toolbox } from "./tools";
import { count, LEVEL_WORDS, STATE_WORDS, writeCalls } from "./words";
import { offerCommands, ORDER, type Command } from "../commands";
import type { EditorHandle } from "../editor";
import type { Report } from "../validate";

// The forms are half of the builder, and most visits to the page need none of them: they come when a rule is opened.
function LazyPanel(props: PanelProps) {
  const [panel, setPanel] = useState<typeof import("./RulePanel") | "failed" | null>(null);
  useEffect(() => {
    import("./RulePanel").then(setPanel, () => setPanel("failed"));
  }, []);
  if (panel === null) return <p class="muted" role="status">Loading the rule.</p>;
  if (panel === "failed") return <div class="notice notice-bad" role="alert"><p>The rule's form could not be loaded. Load the page again; the draft is kept.</p></div>;
  return <panel.RulePanel {...props} />;
}

interface Props {
  toolbox: Toolbox;
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

// Undo and redo by the keys of the text editor, everywhere but in fields, which have an undo of their own.
function useUndoKeys(editor: EditorHandle, onDone: (said: string) => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.defaultPrevented || editor.isReadOnly) return;
      if (event.target instanceof Element && event.target.closest("textarea, [contenteditable], .editor, dialog, input:not([type=checkbox], [type=radio])")) return;
      const key = event.key.toLowerCase();
      const isRedo = (key === "z" && event.shiftKey) || (key === "y" && !event.shiftKey);
      if (key !== "z" && !isRedo) return;
      event.preventDefault();
      const steps = editor.steps();
      if (!(isRedo ? steps.redo : steps.undo)) return;
      if (isRedo) editor.redo();
      else editor.undo();
      onDone(isRedo ? "Done again." : "Undone.");
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [editor]);
}

export function Workbench({ toolbox, editor, onShowJson }: Props) {
  const { tools: offered, days, counted } = toolbox;
  const { document, reason, steps } = useDocument(editor);
  const [checked, setChecked] = useState<{ report: Report; text: string } | null>(null);
  const [filter, setFilter] = useState(() => readFilter(location.search));
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
  const known = useMemo(() => new Set(offered.map(({ name }) => name)), [offered]);
  const gone = useMemo(() => (policy ? findAbsent(policy.tools.keys(), known) : []), [policy, known]);
  const tools = useMemo(() => (gone.length ? [...gone, ...offered] : offered), [gone.map(({ name }) => name).join("\n"), offered]);
  const rows = useMemo<Row[]>(() => (policy ? tools.map((tool) => ({ tool, serving: serve(policy, tool) })) : []), [policy, tools]);
  const { rows: shown, counts } = useMemo(() => filterRows(rows, filter), [rows, filter]);
  useEffect(() => keepFilter(filter), [filter]);
  useUndoKeys(editor, setSaid);
  const commands = useRef<() => Command[]>(() => []);
  useEffect(() => offerCommands(() => commands.current()), []);
  const isReadOnly = editor.isReadOnly || reason !== "";
  const tool = tools.find(({ name }) => name === opened) ?? null;
  const pointer = tool ? joinPointer("tools", tool.name) : openedRule;
  // The JSON goes along to the rule that is open.
  useEffect(() => {
    const node = document && pointer !== null ? findNode(document, pointer) : undefined;
    if (node) editor.scrollTo(node.offset);
  }, [pointer]);
  if (!document || !policy) return <p class="notice">{reason} {editor.isReadOnly ? "" : editor.text().trim() ? "The builder shows it as soon as it is." : "Choose a starting point, or write the JSON."}</p>;

  const edit = (edits: readonly Edit[]): void => {
    if (edits.length && !isReadOnly) editor.change(edits);
  };
  const show = (pointer: string): void => {
    const node = findNode(document, pointer);
    if (!node || reason) return;
    onShowJson();
    editor.reveal(node.offset, endOf(node));
  };
  const chosen = selected.size ? tools.filter(({ name }) => selected.has(name)) : shown.map(({ tool }) => tool);
  // What the server does not offer gets no new rule; its old one can be removed.
  const targets = chosen.filter(({ state }) => state !== "gone");
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
  const shared = findNode(document, "/all_tools");
  const which = selected.size ? "selected" : "all shown";
  const open = (name: string): void => {
    setLeft(null);
    setOpenedRule(null);
    setOpened(name);
  };
  const goBack = (): void => {
    if (tool) setLeft(tool.name);
    setOpened(null);
    setOpenedRule(null);
  };
  const narrow = (part: Partial<typeof filter>): void => {
    setOpened(null);
    setOpenedRule(null);
    setFilter({ ...ANYTHING, ...part });
  };
  commands.current = () => [
    ...(editor.isReadOnly ? [] : [
      ...(steps.undo ? [{ name: "Undo", group: "Policy", keys: "Ctrl+Z", run: () => editor.undo() }] : []),
      ...(steps.redo ? [{ name: "Redo", group: "Policy", keys: "Ctrl+Shift+Z", run: () => editor.redo() }] : []),
    ]),
    { name: "Show the JSON", group: "Policy", run: () => { onShowJson(); editor.reveal(0, 0); } },
    ...(pointer !== null ? [{ name: "Back to all tools", group: "Policy", run: goBack }] : []),
    ...LEVELS.map((level) => ({ name: `Show ${LEVEL_WORDS[level]?.toLowerCase()} risk tools`, group: "Filter", run: () => narrow({ level }) })),
    { name: "Show tools called lately", group: "Filter", run: () => narrow({ called: true, order: BY_CALLS }) },
    { name: "Show unreviewed tools", group: "Filter", run: () => narrow({ unreviewed: true }) },
    { name: "Show changed tools", group: "Filter", run: () => narrow({ changed: true }) },
    { name: "Clear filters", group: "Filter", run: () => narrow({}) },
    ...(isReadOnly || !targets.length || pointer !== null ? [] : PLAIN.map((state) => ({
      name: `${STATE_WORDS[state]} ${which}`, group: count(targets.length, "tool"), run: () => apply(setStates(document, policy, targets, state), STATE_WORDS[state]),
    }))),
    ...tools.map(({ name, title }) => ({ name, group: title || "Tool", order: ORDER.tool, run: () => open(name) })),
  ];
  return (
    <>
      {pointer !== null && <p><button type="button" class="editor-place" onClick={goBack}><span aria-hidden="true">← </span>Back to all tools</button></p>}
      <div class="builder-bar row">
        {!editor.isReadOnly && <>
        <button type="button" class="button button-small" disabled={!steps.undo} title="Ctrl+Z" aria-keyshortcuts="Control+Z Meta+Z" onClick={() => editor.undo()}>Undo</button>
        <button type="button" class="button button-small" disabled={!steps.redo} title="Ctrl+Shift+Z" aria-keyshortcuts="Control+Shift+Z Meta+Shift+Z" onClick={() => editor.redo()}>Redo</button>
        </>}
        <span class="muted" role="status">{reason ? `${reason} The builder shows the last valid text.` : said}</span>
      </div>
      {pointer !== null
        ? <LazyPanel key={pointer} {...{ tools, tool, pointer, document, policy, report, isReadOnly }} isFresh={checked?.text === document.text} onEdit={edit} onShow={show} />
        : <>
          <LevelRules
            {...{ policy, rows, isReadOnly }} canEdit={!editor.isReadOnly} onOpen={setOpenedRule} shared={CLAUSES.reduce((sum, key) => sum + elementsOf(memberOf(shared, key)).length, 0)}
            onRisk={(level, state) => edit(setRisk(document, policy, level, state))}
            onDefault={(value) => edit(setDefault(document, value))}
          />
          <FilterBar {...{ tools, counts, filter, days }} onFilter={setFilter} />
          <div class="builder-bulk row" role="group" aria-label="Change many tools">
            <span aria-live="polite"><strong>{selected.size ? `${selected.size.toLocaleString("en-GB")} selected` : `${shown.length.toLocaleString("en-GB")} of ${count(tools.length, "tool")} shown`}</strong></span>
            {!editor.isReadOnly && <>
              <span class="states">
                {PLAIN.map((state) => <button key={state} type="button" class="state" aria-label={`${STATE_WORDS[state]} ${which}`} disabled={isReadOnly || !targets.length} onClick={() => apply(setStates(document, policy, targets, state), STATE_WORDS[state])}>{STATE_WORDS[state]}</button>)}
                <button type="button" class="state" disabled={isReadOnly || !chosen.length} onClick={() => apply(clearOwn(document, policy, chosen.map(({ name }) => name)), "Own rule removed")}>Remove own rules</button>
              </span>
              {selected.size > 0 && <button type="button" class="button button-quiet button-small" onClick={() => setSelected(new Set())}>Clear the selection</button>}
            </>}
          </div>
          {shown.length === 0 && <p class="empty">No tool fits these filters.</p>}
          <ToolList
            rows={shown} isGrouped={filter.order !== BY_CALLS} writeUse={({ calls }) => writeCalls(calls, days, counted)}
            {...{ policy, selected, isReadOnly }} canEdit={!editor.isReadOnly} focusOn={left} onSelect={select} onPick={pick}
          />
          {!editor.isReadOnly && <p class="hint hint-keys">On a state, Left and Right choose, Up and Down change the tool, and the letters A, D, H, P and C pick Allow, Deny, Hide, Approve and Custom.</p>}
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
  const names = useMemo(() => new Set(tools.map(({ name }) => name)), [tools]);
  const pointers = useMemo(() => new Set([...names].map((name) => joinPointer("tools", name))), [names]);
  const isDrawn = (pointer: string): boolean => {
    if (!pointer.startsWith("/hide/")) return pointers.has(pointer);
    return names.has(policy.hide[Number(pointer.slice(6))] ?? "");
  };
  const rest = useMemo(() => (report?.sentences ?? []).filter(({ pointer }) => /^\/(tools|all_tools|methods|hide)\//.test(pointer) && !isDrawn(pointer)), [report, policy, pointers]);
  if (!rest.length) return null;
  return (
    <details class="fold" open>
      <summary>Rules without a row of their own</summary>
      <ul class="plain rule-rest">
        {rest.map(({ pointer, text }) => <li key={pointer} class="row"><span>{text}</span> {ruleOf(pointer) && <button type="button" class="button button-quiet button-small" onClick={() => onOpen(ruleOf(pointer)!)}>Open<span class="visually-hidden"> {pointer}</span></button>} <button type="button" class="button button-quiet button-small" onClick={() => onShow(pointer)}>Show in the JSON<span class="visually-hidden"> {pointer}</span></button></li>)}
      </ul>
    </details>
  );
}
