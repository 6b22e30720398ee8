// Tool names and patterns, as policies/engine/names.py has them: `*` stands for any run of characters.

export const isPattern = (name: string): boolean => name.includes("*");

// Whether a name or pattern covers a name, or as a pattern contains another one.
export function matchName(pattern: string, name: string): boolean {
  if (!isPattern(pattern)) return pattern === name;
  const parts = pattern.split("*");
  const first = parts.shift() ?? "";
  const last = parts.pop() ?? "";
  let at = first.length;
  const end = name.length - last.length;
  if (at > end || !name.startsWith(first) || !name.endsWith(last)) return false;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

// The pattern that serves a name: the one that every other matching pattern contains.
export function selectNarrowest(patterns: readonly string[], name: string): string | undefined {
  let narrowest: string | undefined;
  for (const pattern of patterns) {
    if (matchName(pattern, name) && (narrowest === undefined || matchName(narrowest, pattern))) narrowest = pattern;
  }
  return narrowest;
}
