// Allow, Deny, Hide, Approve, Custom as one radio group: Left and Right choose, letters too, Up and Down change the row.
import { STATE_KEYS, STATE_WORDS } from "./words";
import { STATES, type State } from "./resolve";

interface Props {
  label: string;
  state: State | null;
  states?: readonly State[];
  isLocked: boolean;
  onPick: (state: State) => void;
  onMove?: (by: number) => void;
}

export function StateControl({ label, state, states = STATES, isLocked, onPick, onMove }: Props) {
  const focus = (group: Element, target: State): void => {
    group.querySelector<HTMLElement>(`[data-state=${target}]`)?.focus();
  };
  const pick = (group: Element, target: State): void => {
    if (isLocked) return;
    onPick(target);
    focus(group, target);
  };
  const press = (event: KeyboardEvent): void => {
    const group = event.currentTarget as Element;
    const at = states.findIndex((each) => each === ((event.target as HTMLElement).dataset["state"] ?? state));
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const letter = event.ctrlKey || event.metaKey || event.altKey ? undefined : STATE_KEYS[event.key.toLowerCase()];
    const target = step ? states[(at + step + states.length) % states.length] : letter;
    if (move && onMove) onMove(move);
    // Custom opens a page of its own, so the arrows only go to it; Enter, Space or its letter open it.
    else if (target === "custom" && step) focus(group, target);
    else if (target && states.includes(target)) pick(group, target);
    else return;
    event.preventDefault();
  };
  return (
    <div class="states" role="radiogroup" aria-label={label} aria-disabled={isLocked} onKeyDown={press}>
      {states.map((each, index) => (
        <button
          key={each} type="button" role="radio" class={`state state-${each}`} data-state={each}
          aria-checked={each === state} tabIndex={each === state || (state === null && index === 0) ? 0 : -1}
          aria-disabled={isLocked && each !== "custom"}
          onClick={(event) => (each === "custom" ? onPick(each) : pick(event.currentTarget.parentElement!, each))}
        >{STATE_WORDS[each]}</button>
      ))}
    </div>
  );
}
