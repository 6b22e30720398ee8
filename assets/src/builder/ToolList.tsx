// The rows of the tools, grouped by module. Only those in sight are in the page, so that 2,000 are as quick as 20.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { isBlocked } from "./changes";
import type { Policy, State } from "./resolve";
import { StateControl } from "./StateControl";
import type { Row, Tool } from "./tools";
import { capitalise, count, LEVEL_WORDS, STATE_WORDS, writeServing } from "./words";

const HEAD_REM = 2.25;
const ROW_REM = 3.5;
const NARROW_ROW_REM = 7.75;
const NARROW_PX = 620;
const SPARE_PX = 300;

interface HeadItem {
  kind: "head";
  module: string;
  rows: Row[];
}
type Item = HeadItem | { kind: "tool"; row: Row };

interface Props {
  rows: readonly Row[];
  // Without heads where the order is another one than by module.
  isGrouped: boolean;
  writeUse: (tool: Tool) => string;
  policy: Policy;
  selected: ReadonlySet<string>;
  isReadOnly: boolean;
  // Who cannot reads the states, and opens the conditions behind them.
  canEdit: boolean;
  focusOn: string | null;
  onSelect: (names: readonly string[], isOn: boolean) => void;
  onPick: (tool: Tool, state: State) => void;
}

function itemsOf(rows: readonly Row[], isGrouped: boolean): Item[] {
  if (!isGrouped) return rows.map((row) => ({ kind: "tool", row }));
  const items: Item[] = [];
  let head: HeadItem = { kind: "head", module: "", rows: [] };
  for (const row of rows) {
    if (!items.length || head.module !== row.tool.module) {
      head = { kind: "head", module: row.tool.module, rows: [] };
      items.push(head);
    }
    head.rows.push(row);
    items.push({ kind: "tool", row });
  }
  return items;
}

export function ToolList(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600, width: 800 });
  const [kept, setKept] = useState<string | null>(props.focusOn);
  const wanted = useRef<string | null>(props.focusOn);
  const items = useMemo(() => itemsOf(props.rows, props.isGrouped), [props.rows, props.isGrouped]);
  const rem = useMemo(() => parseFloat(getComputedStyle(document.documentElement).fontSize), []);
  const rowHeight = (view.width < NARROW_PX ? NARROW_ROW_REM : ROW_REM) * rem;
  const tops = useMemo(() => {
    let at = 0;
    const found = items.map((item) => {
      const top = at;
      at += item.kind === "head" ? HEAD_REM * rem : rowHeight;
      return top;
    });
    return [...found, at];
  }, [items, rowHeight, rem]);

  useLayoutEffect(() => {
    const element = box.current!;
    const measure = (): void => setView({ top: element.scrollTop, height: element.clientHeight, width: element.clientWidth });
    const watcher = new ResizeObserver(measure);
    watcher.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      watcher.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);

  const place = (name: string): number => items.findIndex((item) => item.kind === "tool" && item.row.tool.name === name);
  const goTo = (name: string): void => {
    const at = place(name);
    if (at < 0) return;
    const top = tops[at]!;
    const element = box.current!;
    if (top < element.scrollTop + HEAD_REM * rem) element.scrollTop = top - HEAD_REM * rem;
    if (top + rowHeight > element.scrollTop + element.clientHeight) element.scrollTop = top + rowHeight - element.clientHeight;
    wanted.current = name;
    setKept(name);
  };
  useEffect(() => {
    if (props.focusOn !== null) goTo(props.focusOn);
  }, []);
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    const row = box.current?.querySelector(`[data-tool="${CSS.escape(wanted.current)}"]`);
    const target = row?.querySelector<HTMLElement>("[role=radio][tabindex='0'], .tools-state .editor-place");
    if (!target) return;
    wanted.current = null;
    target.focus({ preventScroll: true });
  });

  const move = (name: string, by: number): void => {
    for (let at = place(name) + by; at >= 0 && at < items.length; at += by) {
      const item = items[at]!;
      if (item.kind === "tool") return goTo(item.row.tool.name);
    }
  };
  const seen = items.flatMap((item, index) => {
    const [top, bottom] = [tops[index]!, tops[index + 1]!];
    const isSeen = bottom > view.top - SPARE_PX && top < view.top + view.height + SPARE_PX;
    return isSeen || (item.kind === "tool" && item.row.tool.name === kept) ? [{ item, index, top, height: bottom - top }] : [];
  });
  return (
    <div class={`tools${view.width < NARROW_PX ? " tools-narrow" : ""}`} ref={box} role="table" aria-label="Tools" aria-rowcount={items.length} tabIndex={props.canEdit ? -1 : 0}>
      <div class="tools-sheet" role="rowgroup" style={{ height: `${tops.at(-1)}px` }}>
        {seen.map(({ item, index, top, height }) => {
          const frame = { role: "row" as const, "aria-rowindex": index + 1, style: { top: `${top}px`, height: `${height}px` } };
          if (item.kind === "head") return <Head key={`/${item.module}`} item={item} frame={frame} {...props} />;
          const { name } = item.row.tool;
          return (
            <div
              key={name} class="tools-row" data-tool={name} {...frame}
              onFocusIn={() => setKept(name)}
            ><Cells row={item.row} {...props} onMove={(by) => move(name, by)} /></div>
          );
        })}
      </div>
    </div>
  );
}

interface HeadProps extends Props {
  item: HeadItem;
  frame: { role: "row"; "aria-rowindex": number; style: { top: string; height: string } };
}

function Head({ item, frame, selected, isReadOnly, onSelect }: HeadProps) {
  const names = item.rows.map(({ tool }) => tool.name);
  const chosen = names.filter((name) => selected.has(name)).length;
  const label = item.module || "No module";
  return (
    <div class="tools-head" {...frame}>
      <span role="cell">
        {!isReadOnly && <input
          type="checkbox" aria-label={`Select the ${count(names.length, "tool")} of ${label} shown`}
          checked={chosen === names.length} ref={(box) => { if (box) box.indeterminate = chosen > 0 && chosen < names.length; }}
          onChange={(event) => onSelect(names, event.currentTarget.checked)}
        />}
      </span>
      <strong role="cell">{label} <span class="muted">{names.length}</span></strong>
    </div>
  );
}

interface CellProps extends Props {
  row: Row;
  onMove: (by: number) => void;
}

function Cells({ row: { tool, serving }, policy, selected, isReadOnly, canEdit, writeUse, onSelect, onPick, onMove }: CellProps) {
  const isFixed = tool.state === "gone" || (serving.source === "hidden" && isBlocked(policy, tool.name));
  const use = writeUse(tool);
  return (
    <>
      <span role="cell">
        {!isReadOnly && <input
          type="checkbox" aria-label={`Select ${tool.name}`} checked={selected.has(tool.name)}
          onChange={(event) => onSelect([tool.name], event.currentTarget.checked)}
        />}
      </span>
      <span role="cell" class="tools-name">
        <code title={tool.name}>{tool.name}</code>
        <small class="muted" title={tool.title}>{use && <strong>{use}</strong>}{use && tool.title ? " · " : ""}{tool.title}</small>
      </span>
      <span role="cell" class="tools-badges">
        {tool.level && <span class={`badge badge-${tool.level}`}>{LEVEL_WORDS[tool.level] ?? tool.level}</span>}
        {tool.category && <span class={`badge badge-${tool.category}`}>{capitalise(tool.category)}</span>}
        {tool.state === "gone" && <small class="tools-flag" title="A rule names it, and this server does not offer it">not offered</small>}
        {!tool.is_reviewed && <small class="tools-flag">unreviewed</small>}
        {tool.state === "changed" && <small class="tools-flag" title="Hidden until somebody accepts its new definition">changed</small>}
      </span>
      <span role="cell" class="tools-state">
        {canEdit
          ? <StateControl
            label={`${tool.name}, ${writeServing(serving)}`} state={serving.state} isLocked={isReadOnly || isFixed}
            onPick={(state) => onPick(tool, state)} onMove={onMove}
          />
          : <span class="row">
            <span class={`badge badge-${serving.state}`}>{STATE_WORDS[serving.state]}</span>
            {serving.state === "custom" && <button type="button" class="editor-place" aria-label={`Conditions of ${tool.name}`} onClick={() => onPick(tool, "custom")}>Conditions</button>}
          </span>}
        <small class="muted" title={writeServing(serving)}>{writeServing(serving)}</small>
      </span>
    </>
  );
}
