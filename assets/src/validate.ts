// Asks the server what is wrong with a text. The answer is checked before anything is shown.

export interface Problem {
  pointer: string;
  message: string;
  suggestion: string;
  line: number;
  column: number;
}

// The suggestion as a sentence, as policies/engine/problems.py has it; nothing where the message says it already.
export function hintOf({ message, suggestion }: Problem): string {
  if (!suggestion || message.startsWith(`"${suggestion}"`)) return "";
  return suggestion.startsWith("{") ? suggestion : `Did you mean "${suggestion}"?`;
}

export interface Sentence {
  pointer: string;
  text: string;
}

export interface Report {
  errors: Problem[];
  warnings: Problem[];
  sentences: Sentence[];
  // One for each argument rule and limit of a tool or level.
  parts: Sentence[];
}

export type Answer = { kind: "report"; report: Report } | { kind: "failed"; message: string };

type Loose = Record<string, unknown>;

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const countOf = (value: unknown): number => (typeof value === "number" && value > 0 ? Math.floor(value) : 0);

function listOf<T>(value: unknown, turn: (item: Loose) => T): T[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is Loose => typeof item === "object" && item !== null).map(turn);
}

const toProblem = (item: Loose): Problem => ({
  pointer: textOf(item["pointer"]),
  message: textOf(item["message"]),
  suggestion: textOf(item["suggestion"]),
  line: countOf(item["line"]),
  column: countOf(item["column"]),
});

const toSentence = (item: Loose): Sentence => ({ pointer: textOf(item["pointer"]), text: textOf(item["text"]) });

function csrfToken(area: HTMLTextAreaElement): string {
  const field = (area.form ?? document).querySelector<HTMLInputElement>("input[name=csrfmiddlewaretoken]");
  if (field) return field.value;
  return /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}

export async function validateText(url: string, area: HTMLTextAreaElement, signal: AbortSignal): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: "POST",
      body: area.value,
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken(area) },
      credentials: "same-origin",
      redirect: "error",
      signal,
    });
    if (!response.ok) return { kind: "failed", message: `Not checked: the server answered ${response.status}.` };
    const body = (await response.json()) as Loose;
    if (!Array.isArray(body["errors"])) return { kind: "failed", message: "Not checked: the answer was not a report." };
    return {
      kind: "report",
      report: {
        errors: listOf(body["errors"], toProblem),
        warnings: listOf(body["warnings"], toProblem),
        sentences: listOf(body["sentences"], toSentence),
        parts: listOf(body["parts"], toSentence),
      },
    };
  } catch {
    return { kind: "failed", message: "Not checked: the server did not answer." };
  }
}
