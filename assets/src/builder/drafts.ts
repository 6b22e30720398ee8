// The unpublished text of a policy, kept in this browser until it is published or thrown away.

export interface Draft {
  base: string;
  text: string;
  at: string;
}

const keyOf = (name: string): string => `policylayer:draft:${name}`;
// What a form sends and a server gives back differ in line ends and in the space around.
const plain = (text: string): string => text.replaceAll("\r\n", "\n").trim();
export const isSame = (one: string, other: string): boolean => plain(one) === plain(other);

// A browser may refuse storage or have none left; then there is no draft, and the editor works without.
export function keepDraft(name: string, draft: Draft): void {
  try {
    localStorage.setItem(keyOf(name), JSON.stringify(draft));
  } catch {
    dropDraft(name);
  }
}

export function dropDraft(name: string): void {
  try {
    localStorage.removeItem(keyOf(name));
  } catch {
    return;
  }
}

export function findDraft(name: string): Draft | null {
  try {
    const found = JSON.parse(localStorage.getItem(keyOf(name)) ?? "null") as Partial<Draft> | null;
    if (typeof found?.text !== "string" || typeof found.base !== "string") return null;
    return { base: found.base, text: found.text, at: typeof found.at === "string" ? found.at : "" };
  } catch {
    return null;
  }
}

// The draft of a new policy is done with once a policy's page shows it as published.
export function dropPublished(name: string, text: string): void {
  const draft = findDraft(name);
  if (draft && isSame(draft.text, text)) dropDraft(name);
}
