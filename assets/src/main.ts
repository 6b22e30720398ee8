// What every page loads: copy buttons, confirmations, and where the page has use for them htmx and editors. Every page
// works without it.
import "./style.css";
import { enhanceCopyButtons } from "./copy";
import { enhanceLive } from "./live";

document.documentElement.classList.add("js");

function enhanceConfirmations(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    const question = event.submitter?.dataset["confirm"] ?? form.dataset["confirm"];
    if (question && !window.confirm(question)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);
}

// A <details class="menu"> closes on Escape and on a click elsewhere, as a menu should.
function enhanceMenus(): void {
  const close = (except: Node | null): void => {
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
      if (!except || !menu.contains(except)) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => close(event.target instanceof Node ? event.target : null));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelector<HTMLElement>("details.menu[open] > summary")?.focus();
    close(null);
  });
}

// A tenth of the largest page's script, so only pages that ask with it load it.
function startHtmx(): void {
  if (document.querySelector("[hx-get], [hx-post], [hx-put], [hx-patch], [hx-delete], [hx-boost]")) void import("htmx.org");
}

async function enhanceEditors(root: ParentNode): Promise<void> {
  const areas = root.querySelectorAll<HTMLTextAreaElement>("textarea[data-editor]:not([data-editor=on])");
  if (areas.length === 0) return;
  const { attachEditor } = await import("./editor");
  const editors = [...areas].map((area) => [area, attachEditor(area)] as const);
  for (const [area, editor] of editors) {
    const place = area.form?.querySelector<HTMLElement>("[data-builder]");
    if (place) (await import("./builder/mount")).mountBuilder(place, area, editor);
  }
}

// A table that scrolls sideways must be reachable by keyboard; one that fits should not be a stop on the way.
function enhanceScrollers(): void {
  const watcher = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const box = target.closest(".table-wrap") ?? target;
      if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
      else if (box.getAttribute("tabindex") === "0") box.removeAttribute("tabindex");
    }
  });
  // The table as well: a font that comes late makes it wider than its box, which stays as it is.
  const watch = (): void => document.querySelectorAll(".table-wrap, table.data").forEach((each) => watcher.observe(each));
  watch();
  document.addEventListener("htmx:afterSettle", watch);
}

// Ctrl+K, or ⌘K where there is a ⌘ key, and a button that says so.
function enhancePalette(): void {
  const button = document.querySelector<HTMLButtonElement>("[data-palette]");
  if (!button) return;
  const isApple = /Mac|iP(hone|ad)/.test(navigator.platform);
  const open = async (): Promise<void> => (await import("./palette")).togglePalette(button.dataset["palette"]!);
  button.querySelector("kbd")!.textContent = isApple ? "⌘K" : "Ctrl+K";
  button.hidden = false;
  button.addEventListener("click", () => void open());
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || event.shiftKey || event.altKey || !(isApple ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey)) return;
    event.preventDefault();
    void open();
  }, true);
}

startHtmx();
enhancePalette();
enhanceScrollers();
enhanceCopyButtons();
enhanceConfirmations();
enhanceMenus();
enhanceLive();
void enhanceEditors(document);
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target instanceof Element) void enhanceEditors(event.target);
});
