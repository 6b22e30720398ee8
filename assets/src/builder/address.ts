// The filter of the tools in the page's address, so that a reload, a bookmark and a colleague's link keep it.
import { ANYTHING, CHOICES, FLAGS, type Filter } from "./tools";

const TEXTS = ["text", "order", ...CHOICES] as const;
const PAUSE_MS = 200;

export function readFilter(search: string): Filter {
  const given = new URLSearchParams(search);
  const found: Record<string, string | boolean> = { ...ANYTHING };
  for (const key of TEXTS) found[key] = given.get(key) ?? "";
  for (const key of FLAGS) found[key] = given.has(key);
  return found as unknown as Filter;
}

let pause = 0;

// Browsers refuse addresses that change with every key.
export function keepFilter(filter: Filter): void {
  window.clearTimeout(pause);
  pause = window.setTimeout(() => {
    const address = new URL(location.href);
    for (const key of TEXTS) filter[key] ? address.searchParams.set(key, filter[key]) : address.searchParams.delete(key);
    for (const key of FLAGS) filter[key] ? address.searchParams.set(key, "1") : address.searchParams.delete(key);
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  }, PAUSE_MS);
}
