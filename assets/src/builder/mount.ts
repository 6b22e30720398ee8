// Puts the builder beside the JSON editor of its form, with the draft that this browser kept.
import { h, render } from "preact";
import type { EditorHandle } from "../editor";
import { count } from "../report";
import { followNews } from "./news";
import { dropDraft, dropPublished, findDraft, isSame, keepDraft, type Draft } from "./drafts";
import { fetchTools } from "./tools";
import { Workbench } from "./Workbench";

const PAUSE_MS = 300;

function note(place: HTMLElement, tone: string, text: string): HTMLElement {
  const notice = document.createElement("div");
  notice.className = `notice notice-${tone}`;
  notice.setAttribute("role", "status");
  const words = document.createElement("p");
  words.textContent = text;
  notice.append(words);
  place.before(notice);
  return notice;
}

function sayWhen(at: string): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? "" : ` of ${time.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })}`;
}

// Until the draft is published or thrown away, the form says which version it was written over, so that the server can
// tell of another one that was published meanwhile.
class DraftKeeper {
  private readonly name: string;
  private readonly expected: HTMLInputElement | null;
  private readonly served: string;
  // What the text was made from: the version in force, or for a new policy the chosen start.
  private readonly servedBase: string;
  private isTouched = false;
  private pause = 0;

  constructor(private readonly bench: HTMLElement, private readonly area: HTMLTextAreaElement, private readonly editor: EditorHandle) {
    this.name = bench.dataset["draft"] ?? "";
    this.expected = area.form?.querySelector<HTMLInputElement>("input[name=expected]") ?? null;
    this.served = area.value;
    this.servedBase = this.expected?.value ?? bench.dataset["base"] ?? "";
    if (!this.name || editor.isReadOnly) return;
    editor.onText(() => this.mark());
    const fresh = bench.dataset["draftOfNew"];
    if (fresh) dropPublished(fresh, this.served);
    editor.onText(() => {
      this.isTouched = true;
      window.clearTimeout(this.pause);
      this.pause = window.setTimeout(() => this.keep(), PAUSE_MS);
    });
    this.restore(findDraft(this.name));
    window.addEventListener("pagehide", () => this.keep());
    this.mark();
  }

  // One thing to do stands out: to publish what differs from the version in force, else what comes after that.
  private mark(): void {
    const isNext = this.isDraft || this.expected?.value === "0";
    this.area.form?.querySelector("[data-publish]")?.classList.toggle("button-primary", isNext);
    document.querySelector("[data-next]")?.classList.toggle("button-primary", !isNext);
  }

  get base(): number {
    return Number(this.expected?.value ?? 0);
  }

  get isDraft(): boolean {
    return this.isUnsaved || !isSame(this.area.value, this.served);
  }

  // A text that the server refused is on the page, but it is no more published than any other draft.
  private keep(): void {
    if (!this.isTouched) return;
    if (!this.isUnsaved && isSame(this.area.value, this.served)) dropDraft(this.name);
    else keepDraft(this.name, { base: this.expected?.value ?? this.servedBase, text: this.area.value, at: new Date().toISOString() });
  }

  private get isUnsaved(): boolean {
    return "unsaved" in this.bench.dataset;
  }

  private restore(draft: Draft | null): void {
    const asked = new URLSearchParams(location.search);
    if (asked.has("restrict") && draft && !isSame(draft.text, this.served)) {
      this.offerOlder(draft);
      return;
    }
    if (this.isUnsaved) this.isTouched = true;
    if (!draft || this.isUnsaved) return;
    if (isSame(draft.text, this.served)) {
      dropDraft(this.name);
      return;
    }
    const isOutrun = draft.base !== this.servedBase;
    // Somebody who asks for another start gets it; the draft stays for the start that it was made from.
    if (isOutrun && !this.expected && asked.has("start")) return;
    if (this.expected) this.expected.value = draft.base;
    this.put(draft.text);
    const words = isOutrun && this.expected
      ? `Your unpublished draft${sayWhen(draft.at)} is back. It was written over version ${draft.base}; version ${this.servedBase} was published meanwhile, and publishing will ask you once more.`
      : `Your unpublished draft${sayWhen(draft.at)} is back.`;
    this.offerDiscard(note(this.bench, isOutrun ? "warn" : "ok", words));
  }

  private offerDiscard(notice: HTMLElement): void {
    const discard = document.createElement("button");
    discard.type = "button";
    discard.className = "button button-small";
    discard.textContent = "Discard the draft";
    discard.addEventListener("click", () => {
      if (this.expected) this.expected.value = this.servedBase;
      this.put(this.served);
      this.keep();
      notice.remove();
    });
    const line = document.createElement("p");
    line.append(discard);
    notice.append(line);
  }

  // Who came for a rule gets it; the draft that was there stays until the text is touched, and can be had instead.
  private offerOlder(draft: Draft): void {
    const notice = note(this.bench, "warn", `This browser keeps another draft${sayWhen(draft.at)} of this policy. The text below does not have it, and takes its place once you change anything.`);
    const use = document.createElement("button");
    use.type = "button";
    use.className = "button button-small";
    use.textContent = "Use that draft instead";
    use.addEventListener("click", () => {
      if (this.expected) this.expected.value = draft.base;
      this.put(draft.text);
      notice.remove();
    });
    const line = document.createElement("p");
    line.append(use);
    notice.append(line);
  }

  private put(text: string): void {
    this.editor.change([{ offset: 0, length: this.editor.text().length, content: text }]);
  }
}

// At narrow widths one of the two sides shows at a time, and the switch tells of errors on the hidden one.
function addSwitch(bench: HTMLElement, editor: EditorHandle): (pane: "builder" | "json") => void {
  const group = document.createElement("div");
  group.className = "workbench-switch row";
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "Side to show");
  const buttons = (["builder", "json"] as const).map((pane) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button-small";
    button.textContent = pane === "builder" ? "Builder" : "JSON";
    button.addEventListener("click", () => choose(pane));
    return [pane, button] as const;
  });
  const choose = (chosen: "builder" | "json"): void => {
    bench.dataset["pane"] = chosen;
    for (const [pane, button] of buttons) button.setAttribute("aria-pressed", String(pane === chosen));
  };
  group.append(...buttons.map(([, button]) => button));
  bench.before(group);
  choose("builder");
  const json = buttons[1]![1];
  editor.onReport(({ errors }) => { json.textContent = errors.length ? `JSON · ${count(errors.length, "error")}` : "JSON"; });
  // A problem leads to its place in the text, which has to be there first.
  bench.addEventListener("click", (event) => { if (event.target instanceof Element && event.target.closest(".editor-problem")) choose("json"); }, true);
  return choose;
}

// Enter in a text box of the builder takes the value over; it must not send the form around it.
function keepEnter(place: HTMLElement): void {
  place.addEventListener("keydown", (event) => {
    const box = event.target;
    if (event.key !== "Enter" || !(box instanceof HTMLInputElement)) return;
    event.preventDefault();
    box.blur();
    box.focus();
  });
}

export async function mountBuilder(place: HTMLElement, area: HTMLTextAreaElement, editor: EditorHandle): Promise<void> {
  const bench = place.closest<HTMLElement>(".workbench");
  if (!bench) return;
  const keeper = new DraftKeeper(bench, area, editor);
  followNews({ base: () => keeper.base, isDraft: () => keeper.isDraft, focus: () => place.querySelector<HTMLElement>("input[type=search], h2[tabindex]")?.focus() });
  place.hidden = false;
  bench.classList.add("workbench-on");
  const choose = addSwitch(bench, editor);
  keepEnter(place);
  place.replaceChildren(Object.assign(document.createElement("p"), { className: "muted", textContent: "Loading the tools." }));
  try {
    const toolbox = await fetchTools(place.dataset["tools"] ?? "");
    place.replaceChildren();
    render(h(Workbench, { toolbox, editor, onShowJson: () => choose("json") }), place);
  } catch (error) {
    place.replaceChildren();
    note(place, "bad", `The builder could not load the tools. ${error instanceof Error ? error.message : ""} The JSON can be edited as before.`);
    choose("json");
  }
}
