// The problems under an editor and the plain sentences beside it, kept up to date for eyes and screen readers.
import { hintOf, type Problem, type Report, type Sentence } from "./validate";

function create<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

export const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? "" : "s"}`;

function countWords(report: Report): string {
  const parts = [];
  if (report.errors.length) parts.push(count(report.errors.length, "error"));
  if (report.warnings.length) parts.push(count(report.warnings.length, "warning"));
  return parts.length ? parts.join(", ") : "No problems found";
}

// A page may point at elements of its own (data-problems="#id", data-sentences="#id"), which hold what the server
// rendered for readers without script; they are then filled instead of new ones.
function findTarget(area: HTMLTextAreaElement, name: "problems" | "sentences"): HTMLElement | null {
  const selector = area.dataset[name];
  return selector?.startsWith("#") ? document.getElementById(selector.slice(1)) : null;
}

export class ReportView {
  readonly ownElements: HTMLElement[] = [];
  private readonly problems: HTMLElement;
  private readonly sentences: HTMLElement;

  constructor(area: HTMLTextAreaElement, private readonly goTo: (problem: Problem) => void) {
    this.sentences = findTarget(area, "sentences") ?? this.own(create("aside", "editor-sentences"));
    this.problems = findTarget(area, "problems") ?? this.own(create("div", "editor-problems"));
    this.sentences.setAttribute("aria-label", "What this policy says");
    this.problems.setAttribute("aria-live", "polite");
    this.problems.replaceChildren(create("p", "editor-status muted", "Checking"));
  }

  show(report: Report): void {
    const state = report.errors.length ? "bad" : report.warnings.length ? "warn" : "ok";
    const status = create("p", `editor-status editor-status-${state}`, countWords(report));
    const list = create("ul", "editor-list");
    list.append(...report.errors.map((problem) => this.row(problem, "Error")));
    list.append(...report.warnings.map((problem) => this.row(problem, "Warning")));
    this.problems.replaceChildren(status, ...(list.childElementCount ? [list] : []));
    this.showSentences(report.sentences, report.errors.length > 0);
  }

  // An empty text is not wrong yet.
  showNothing(): void {
    this.problems.replaceChildren(create("p", "editor-status muted", "Nothing yet."));
    this.showSentences([], false);
  }

  showFailure(message: string): void {
    this.problems.replaceChildren(create("p", "editor-status editor-status-warn", message));
  }

  private own(element: HTMLElement): HTMLElement {
    this.ownElements.push(element);
    return element;
  }

  private row(problem: Problem, word: string): HTMLLIElement {
    const item = create("li", `editor-problem editor-problem-${word.toLowerCase()}`);
    const place = create("button", "editor-place", problem.line ? `${word}, line ${problem.line}` : word);
    place.type = "button";
    place.addEventListener("click", () => this.goTo(problem));
    item.append(place, create("code", "editor-pointer", problem.pointer), create("span", "editor-message", `${problem.message} ${hintOf(problem)}`));
    return item;
  }

  private showSentences(sentences: Sentence[], isBroken: boolean): void {
    const head = create("h2", "editor-head", "What it says");
    if (sentences.length === 0) {
      const text = isBroken ? "The sentences come back when the errors are mended." : "Each rule is said here in words, once there is a document.";
      this.sentences.replaceChildren(head, create("p", "muted", text));
      return;
    }
    const list = create("ul", "editor-list");
    list.append(...sentences.map((sentence) => create("li", "", sentence.text)));
    this.sentences.replaceChildren(head, list);
    // What scrolls must be reachable by keyboard.
    if (this.sentences.scrollHeight > this.sentences.clientHeight) this.sentences.tabIndex = 0;
    else this.sentences.removeAttribute("tabindex");
  }
}
