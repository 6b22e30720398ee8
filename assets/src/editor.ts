// A JSON editor over <textarea data-editor data-validate-url="...">: the textarea stays in the form and is what is
// submitted. It lives in a shadow root, where CodeMirror's styles are constructed sheets and need no 'unsafe-inline'.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, foldGutter, foldKeymap, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from "@codemirror/view";
import { editorHighlight, editorTheme } from "./editor-theme";
import { offsetAt, rangeAt } from "./places";
import { ReportView } from "./report";
import { validateText, type Problem, type Report } from "./validate";

const PAUSE_MS = 250;

function labelOf(area: HTMLTextAreaElement): string {
  return area.getAttribute("aria-label") ?? area.labels[0]?.textContent.trim() ?? "JSON";
}

function diagnosticsFor(state: EditorState, report: Report): Diagnostic[] {
  const turn = (severity: "error" | "warning") => (problem: Problem): Diagnostic => ({
    ...rangeAt(state, problem),
    severity,
    message: problem.suggestion ? `${problem.message} ${problem.suggestion}` : problem.message,
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

class JsonEditor {
  private readonly view: EditorView;
  private readonly report: ReportView;
  private pause = 0;
  private running: AbortController | null = null;

  constructor(private readonly area: HTMLTextAreaElement) {
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
    this.check();
  }

  private createState(): EditorState {
    return EditorState.create({
      doc: this.area.value,
      extensions: [
        lineNumbers(), foldGutter(), lintGutter(), history(), drawSelection(), bracketMatching(),
        highlightActiveLine(), highlightActiveLineGutter(), indentUnit.of("  "), json(),
        syntaxHighlighting(editorHighlight), editorTheme, EditorView.lineWrapping,
        EditorState.readOnly.of(this.area.readOnly),
        EditorView.contentAttributes.of({ "aria-label": labelOf(this.area), spellcheck: "false", tabindex: "0" }),
        EditorView.domEventHandlers({ beforeinput: replaceSelection }),
        keymap.of([...defaultKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) this.changed();
        }),
      ],
    });
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
    if (this.area.value === this.view.state.doc.toString()) return;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: this.area.value } });
  }

  private changed(): void {
    this.area.value = this.view.state.doc.toString();
    window.clearTimeout(this.pause);
    this.pause = window.setTimeout(() => this.check(), PAUSE_MS);
  }

  private async check(): Promise<void> {
    const url = this.area.dataset["validateUrl"];
    if (!url) return;
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    const answer = await validateText(url, this.area, running.signal);
    if (running.signal.aborted) return;
    if (answer.kind === "failed") {
      this.report.showFailure(answer.message);
      return;
    }
    this.view.dispatch(setDiagnostics(this.view.state, diagnosticsFor(this.view.state, answer.report)));
    this.report.show(answer.report);
  }

  private goTo(problem: Problem): void {
    const at = offsetAt(this.view.state, problem);
    this.view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    this.view.focus();
  }
}

export function attachEditor(area: HTMLTextAreaElement): void {
  new JsonEditor(area);
}
