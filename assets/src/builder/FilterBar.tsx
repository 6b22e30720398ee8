// What narrows the list of tools. Each choice says how many tools it would show beside the other filters.
import { useMemo } from "preact/hooks";
import { LEVELS, STATES } from "./resolve";
import { ANYTHING, BY_CALLS, type Choice, type Filter, type Filtered, type Flag, type Tool } from "./tools";
import { capitalise, LEVEL_WORDS, STATE_WORDS } from "./words";

interface Props {
  tools: readonly Tool[];
  counts: Filtered["counts"];
  filter: Filter;
  days: number;
  onFilter: (filter: Filter) => void;
}

const LEVEL_OPTIONS = LEVELS.map((level) => [level, LEVEL_WORDS[level] ?? level] as const);
const STATE_OPTIONS = STATES.map((state) => [state, STATE_WORDS[state]] as const);

export function FilterBar({ tools, counts, filter, days, onFilter }: Props) {
  const put = (part: Partial<Filter>): void => onFilter({ ...filter, ...part });
  const [categories, modules] = useMemo(() => (["category", "module"] as const).map(
    (key) => [...new Set(tools.map((tool) => tool[key]))].filter(Boolean).sort().map((name) => [name, key === "category" ? capitalise(name) : name] as const)), [tools]);
  const choose = (key: Choice, label: string, options: readonly (readonly [string, string])[] = []) => (
    <select aria-label={label} value={filter[key]} onChange={(event) => put({ [key]: event.currentTarget.value })}>
      <option value="">{label}</option>
      {options.map(([value, word]) => <option key={value} value={value}>{`${word} (${counts.get(key)?.get(value) ?? 0})`}</option>)}
    </select>
  );
  const flag = (key: Flag, word: string) => (
    <label class="check"><input type="checkbox" checked={filter[key]} onChange={(event) => put({ [key]: event.currentTarget.checked })} /> <span>{word} <span class="muted">{counts.get(key)?.get("") ?? 0}</span></span></label>
  );
  return (
    <div class="builder-filters" role="search" aria-label="Tools">
      <input
        type="search" aria-label="Filter the tools" placeholder="Name, title or module" value={filter.text} autocomplete="off"
        onInput={(event) => put({ text: event.currentTarget.value })}
      />
      {choose("level", "Level", LEVEL_OPTIONS)}
      {choose("category", "Category", categories)}
      {choose("module", "Module", modules)}
      {choose("state", "State", STATE_OPTIONS)}
      <select aria-label="Order" value={filter.order} onChange={(event) => put({ order: event.currentTarget.value })}>
        <option value="">Order: by module</option>
        <option value={BY_CALLS}>Most called first</option>
      </select>
      {flag("called", `Called in ${days} days`)}
      {flag("unreviewed", "Unreviewed")}
      {flag("changed", "Changed")}
      {flag("gone", "Not offered")}
      <button type="button" class="button button-quiet button-small" onClick={() => onFilter(ANYTHING)}>Clear filters</button>
    </div>
  );
}
