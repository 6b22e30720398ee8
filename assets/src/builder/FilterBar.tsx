// What narrows the list of tools.
import { LEVELS, STATES } from "./resolve";
import { ANYTHING, type Filter, type Tool } from "./tools";
import { capitalise, LEVEL_WORDS, STATE_WORDS } from "./words";

interface Props {
  tools: readonly Tool[];
  filter: Filter;
  onFilter: (filter: Filter) => void;
}

export function FilterBar({ tools, filter, onFilter }: Props) {
  const put = (part: Partial<Filter>): void => onFilter({ ...filter, ...part });
  const distinct = (key: "category" | "module"): string[] => [...new Set(tools.map((tool) => tool[key]))].filter(Boolean).sort();
  const choose = (key: "level" | "category" | "module" | "state", label: string, options: readonly (readonly [string, string])[]) => (
    <select aria-label={label} value={filter[key]} onChange={(event) => put({ [key]: event.currentTarget.value })}>
      <option value="">{label}</option>
      {options.map(([value, word]) => <option key={value} value={value}>{word}</option>)}
    </select>
  );
  const flag = (key: "unreviewed" | "changed", word: string) => (
    <label class="check"><input type="checkbox" checked={filter[key]} onChange={(event) => put({ [key]: event.currentTarget.checked })} /> {word}</label>
  );
  return (
    <div class="builder-filters" role="search" aria-label="Tools">
      <input
        type="search" aria-label="Filter the tools" placeholder="Name, title or module" value={filter.text} autocomplete="off"
        onInput={(event) => put({ text: event.currentTarget.value })}
        onKeyDown={(event) => { if (event.key === "Enter") event.preventDefault(); }}
      />
      {choose("level", "Level", LEVELS.map((level) => [level, LEVEL_WORDS[level] ?? level]))}
      {choose("category", "Category", distinct("category").map((name) => [name, capitalise(name)]))}
      {choose("module", "Module", distinct("module").map((name) => [name, name]))}
      {choose("state", "State", STATES.map((state) => [state, STATE_WORDS[state]]))}
      {flag("unreviewed", "Unreviewed")}
      {flag("changed", "Changed")}
      <button type="button" class="button button-quiet button-small" onClick={() => onFilter(ANYTHING)}>Clear filters</button>
    </div>
  );
}
