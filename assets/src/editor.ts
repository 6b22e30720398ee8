// A JSON editor over <textarea data-editor data-validate-url="...">: the textarea stays in the form and is what is
// submitted. It lives in a shadow root, where CodeMirror's styles are constructed sheets and need no 'unsafe-inline'.
import {
  history, historyKeymap, isolateHistory, redo, redoDepth, standardKeymap, undo, undoDepth,
} from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { EditorState, StateEffect, type ChangeSet } from "@codemirror/state";
import {
  EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from "@codemirror/view";
import { editorHighlight, editorTheme } from "./editor-theme";
import { jsonLanguage } from "./json-language";
import { offsetAt, rangeAt } from "./places";
import { ReportView } from "./report";
import { hintOf, validateText, type Problem, type Report } from "./validate";

const PAUSE_MS = 250;

export interface TextEdit {
  offset: number;
  length: number;
  content: string;
}

// What a page may do with an editor: the policy builder edits and follows the same text.
export interface EditorHandle {
  readonly isReadOnly: boolean;
  text(): string;
  // All edits together are one step of undo. The caret stays where it is.
  change(edits: readonly TextEdit[]): void;
  undo(): void;
  redo(): void;
  steps(): { undo: number; redo: number };
  reveal(from: number, to: number): void;
  // As reveal, but the page and the keyboard stay where they are.
  scrollTo(offset: number): void;
  onText(listener: () => void): void;
  // The last report comes at once; `text` is what it is about, which may be older than the text now.
  onReport(listener: (report: Report, text: string) => void): void;
}

function labelOf(area: HTMLTextAreaElement): string {
  return area.getAttribute("aria-label") ?? area.labels[0]?.textContent.trim() ?? "JSON";
}

function diagnosticsFor(state: EditorState, report: Report): Diagnostic[] {
  const turn = (severity: "error" | "warning") => (problem: Problem): Diagnostic => ({
    ...rangeAt(state, problem),
    severity,
    message: `${problem.message} ${hintOf(problem)}`.trim(),
  });
  const all = [...report.errors.map(turn("error")), ...report.warnings.map(turn("warning"))];
  return all.sort((one, other) => one.from - other.from);
}

// Left to itself, Chromium wraps text that replaces a selection in an inline style, which the page's policy reports.
function replaceSelection(event: InputEvent, view: EditorView): boolean {
  if (event.inputType !== "insertText" || event.isComposing || event.data === null) return false;
  if (view.state.readOnly || view.state.selection.main.empty) return false;
  event.preventDefault();
  view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  return true;
}

// Thousands of separate changes cost CodeMirror far more than one that spans them.
const MANY = 40;

function joinEdits(text: string, edits: readonly TextEdit[]): { from: number; to: number; insert: string }[] {
  const changes = edits.map(({ offset, length, content }) => ({ from: offset, to: offset + length, insert: content }));
  const [first, last] = [changes[0], changes.at(-1)];
  if (!first || !last || changes.length < MANY) return changes;
  const parts: string[] = [];
  let at = first.from;
  for (const { from, to, insert } of changes) {
    parts.push(text.slice(at, from), insert);
    at = to;
  }
  return [{ from: first.from, to: last.to, insert: parts.join("") }];
}

class JsonEditor implements EditorHandle {
  private readonly textListeners: (() => void)[] = [];
  private readonly reportListeners: ((report: Report, text: string) => void)[] = [];
  private lastReport: [Report, string] | null = null;
  private readonly view: EditorView;
  private readonly report: ReportView;
  // What the builder changed and the view does not show yet.
  private waiting: ChangeSet | null = null;
  // The text that all others were last told of.
  private told: string;
  private pause = 0;
  private running: AbortController | null = null;

  constructor(private readonly area: HTMLTextAreaElement) {
    this.told = area.value;
    const code = document.createElement("div");
    code.className = "editor-code";
    const root = code.attachShadow({ mode: "open" });
    this.report = new ReportView(area, (problem) => this.goTo(problem));
    this.view = new EditorView({ root, parent: root, state: this.createState() });
    const frame = document.createElement("div");
    frame.className = "editor";
    frame.append(code, ...this.report.ownElements);
    area.after(frame);
    this.takeOver();
    this.offerCompletion(frame);
    this.check();
  }

  get isReadOnly(): boolean {
    return this.view.state.readOnly;
  }

  text(): string {
    return this.area.value;
  }

  // The text is another one at once; drawing it can take longer than all else together, so it follows the next frame.
  change(edits: readonly TextEdit[]): void {
    this.settle();
    this.waiting = this.view.state.changes(joinEdits(this.area.value, edits));
    this.tell(this.waiting.apply(this.view.state.doc).toString());
    requestAnimationFrame(() => window.setTimeout(() => this.settle()));
  }

  undo(): void {
    this.settle();
    undo(this.view);
  }

  redo(): void {
    this.settle();
    redo(this.view);
  }

  steps(): { undo: number; redo: number } {
    const { state } = this.view;
    return this.waiting ? { undo: undoDepth(state) + 1, redo: 0 } : { undo: undoDepth(state), redo: redoDepth(state) };
  }

  reveal(from: number, to: number): void {
    this.settle();
    this.view.dispatch({
      selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: "start", yMargin: 40 }),
    });
    this.view.focus();
  }

  onText(listener: () => void): void {
    this.textListeners.push(listener);
  }

  onReport(listener: (report: Report, text: string) => void): void {
    this.reportListeners.push(listener);
    if (this.lastReport) listener(...this.lastReport);
  }

  private settle(): void {
    const changes = this.waiting;
    if (!changes) return;
    this.waiting = null;
    this.view.dispatch({ changes, annotations: isolateHistory.of("full") });
    const places: number[] = [];
    changes.iterChangedRanges((_from, _to, from) => places.push(from));
    if (places[0] !== undefined) this.scrollTo(places[0]);
  }

  // Inside its own box only: the page must not move under the hand that works beside it.
  scrollTo(offset: number): void {
    this.settle();
    const box = this.view.scrollDOM;
    const { top, bottom } = this.view.lineBlockAt(Math.min(offset, this.view.state.doc.length));
    if (top < box.scrollTop || bottom > box.scrollTop + (box.clientHeight * 2) / 3) box.scrollTop = Math.max(0, top - box.clientHeight / 3);
  }

  private createState(): EditorState {
    return EditorState.create({
      doc: this.area.value,
      extensions: [
        lineNumbers(), foldGutter(), lintGutter(), history(), bracketMatching(),
        highlightActiveLine(), highlightActiveLineGutter(), indentUnit.of("  "), jsonLanguage,
        syntaxHighlighting(editorHighlight), editorTheme, EditorView.lineWrapping,
        EditorState.readOnly.of(this.area.readOnly),
        EditorView.contentAttributes.of({ "aria-label": labelOf(this.area), spellcheck: "false", tabindex: "0" }),
        EditorView.domEventHandlers({ beforeinput: replaceSelection }),
        keymap.of([...standardKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap]),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          // Somebody typed before a waiting change was drawn.
          this.waiting = this.waiting?.map(update.changes) ?? null;
          if (this.waiting) this.settle();
          else this.tell(update.state.doc.toString());
        }),
      ],
    });
  }

  // Its script and the tools come when somebody goes to write; without them the editor is as it was.
  private offerCompletion(frame: HTMLElement): void {
    const url = this.area.dataset["tools"];
    if (!url || this.isReadOnly) return;
    const hint = document.createElement("p");
    hint.className = "hint hint-keys";
    hint.textContent = "Ctrl+Space shows what fits at the cursor.";
    frame.append(hint);
    const load = async (): Promise<void> => {
      try {
        const { policyCompletion } = await import("./completion");
        this.view.dispatch({ effects: StateEffect.appendConfig.of(await policyCompletion(url)) });
      } catch {
        this.view.contentDOM.addEventListener("focus", () => void load(), { once: true });
      }
    };
    this.view.contentDOM.addEventListener("focus", () => void load(), { once: true });
  }

  private takeOver(): void {
    this.area.dataset["editor"] = "on";
    // A hidden field that is required would stop the form without a word; the server answers for an empty text.
    this.area.required = false;
    this.area.hidden = true;
    for (const label of this.area.labels) label.addEventListener("click", () => this.view.focus());
    this.area.addEventListener("input", () => this.adopt());
    this.area.form?.addEventListener("reset", () => queueMicrotask(() => this.adopt()));
  }

  // The page has put another text into the textarea (a template, an earlier version).
  private adopt(): void {
    this.settle();
    if (this.area.value === this.view.state.doc.toString()) return;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: this.area.value } });
  }

  private tell(text: string): void {
    if (text === this.told) return;
    this.told = text;
    this.area.value = text;
    window.clearTimeout(this.pause);
    this.pause = window.setTimeout(() => this.check(), PAUSE_MS);
    for (const listener of this.textListeners) listener();
  }

  private async check(): Promise<void> {
    const url = this.area.dataset["validateUrl"];
    if (!url) return;
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    const sent = this.area.value;
    if (!sent.trim()) {
      this.report.showNothing();
      this.hear({ errors: [], warnings: [], sentences: [], parts: [] }, sent);
      return;
    }
    const answer = await validateText(url, this.area, running.signal);
    if (running.signal.aborted) return;
    if (answer.kind === "failed") {
      this.report.showFailure(answer.message);
      return;
    }
    this.report.show(answer.report);
    this.hear(answer.report, sent);
  }

  // An edit since then has a check of its own on its way, but this report is about the text that was sent.
  private hear(report: Report, sent: string): void {
    this.settle();
    this.view.dispatch(setDiagnostics(this.view.state, diagnosticsFor(this.view.state, report)));
    this.lastReport = [report, sent];
    for (const listener of this.reportListeners) listener(report, sent);
  }

  private goTo(problem: Problem): void {
    this.settle();
    const at = offsetAt(this.view.state, problem);
    this.view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    this.view.focus();
  }
}

export function attachEditor(area: HTMLTextAreaElement): EditorHandle {
  return new JsonEditor(area);
}
