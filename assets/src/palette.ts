// The palette: every place and act of this page by typing a few letters of its name, and the pages of every server. It
// follows links and presses buttons that the page shows, goes to places that the server lists, and does what parts of the
// page offer.
import { listOffers, ORDER, type Command } from "./commands";

const MOST = 60;
const LINKS = ".console-nav a[href], .console-nav-inner a[href], .menu-body a[href], .site-nav a[href], .breadcrumbs a[href]";
const ACTS = "main :is(.page-head, .row, .form-actions) > a.button, main :is(.row, .form-actions) > button.button, main .row > form > button.button";

const textOf = (element: HTMLElement): string => (element.dataset["name"] ?? element.getAttribute("aria-label") ?? element.textContent).replace(/\s+/g, " ").trim();

const groupOf = (element: Element): string => {
  if (element.closest(".menu-body")) return "Organisation";
  if (element.closest("nav.console-nav")) return "Console";
  return element.closest("nav[aria-label]")?.getAttribute("aria-label") ?? "This page";
};

const orderOf = (element: Element): number => (element.closest(".menu-body") ? ORDER.organisation : element.closest(".site-nav") ? ORDER.site : ORDER.server);

function isOffered(element: HTMLElement): boolean {
  return element.checkVisibility() && !element.matches(":disabled, .button-danger") && !element.closest("table, [data-builder], [hidden]");
}

// The first of each name stands for the others: what a page repeats for each row is not told apart here.
function listCommands(): Command[] {
  const found = new Map<string, Command>();
  const add = (command: Command): void => {
    const key = `${command.name} ${command.group}`;
    if (command.name && !found.has(key)) found.set(key, command);
  };
  for (const act of document.querySelectorAll<HTMLElement>(ACTS)) {
    if (isOffered(act)) add({ name: textOf(act), group: "This page", run: () => act.click() });
  }
  for (const link of document.querySelectorAll<HTMLAnchorElement>(LINKS)) {
    if (link.getAttribute("aria-current") !== "page") add({ name: textOf(link), group: groupOf(link), order: orderOf(link), run: () => link.click() });
  }
  return [...found.values(), ...listOffers()];
}

// The places of the organisation; none where the server does not answer, for what the page shows is there all the same.
async function fetchPlaces(url: string): Promise<Command[]> {
  try {
    const response = await fetch(url, { credentials: "same-origin", redirect: "error" });
    if (!response.ok) return [];
    const { places } = (await response.json()) as { places: { name: string; group: string; url: string }[] };
    return places.filter((place) => place.url !== location.pathname).map(({ name, group, url: to }) => ({
      name, group, order: group === "Settings" ? ORDER.settings : ORDER.server, run: () => location.assign(to),
    }));
  } catch {
    return [];
  }
}

// Every word has to be in the name or the group; names that begin with what was typed come first, then those
// with a word that does; then what is nearer.
function rank(commands: readonly Command[], text: string): Command[] {
  const typed = text.toLowerCase().trim();
  const words = typed.split(/\s+/).filter(Boolean);
  const scored = commands.flatMap((command) => {
    const name = command.name.toLowerCase();
    if (!words.every((word) => name.includes(word) || command.group.toLowerCase().includes(word))) return [];
    return [{ command, score: [name.startsWith(typed), ` ${name}`.includes(` ${typed}`), name.includes(typed), true].indexOf(true) }];
  });
  return scored.sort((one, other) => one.score - other.score || (one.command.order ?? 0) - (other.command.order ?? 0)).map(({ command }) => command);
}

function create<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, string>, text = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

class Palette {
  private readonly dialog = create("dialog", { class: "palette", "aria-label": "Go to a page or do something" });
  private readonly box = create("input", {
    type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list",
    "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false",
  });
  private readonly list = create("ul", { id: "palette-list", role: "listbox", "aria-label": "Results", class: "palette-list" });
  private readonly status = create("p", { class: "muted small", role: "status" });
  private commands: Command[] = [];
  private shown: Command[] = [];
  private at = 0;
  private places: Command[] | null = null;

  constructor(private readonly url: string) {
    this.dialog.append(this.box, this.list, this.status);
    document.body.append(this.dialog);
    this.box.addEventListener("input", () => this.fill());
    this.box.addEventListener("keydown", (event) => this.press(event));
    this.list.addEventListener("click", (event) => {
      const option = event.target instanceof Element ? event.target.closest<HTMLElement>("[role=option]") : null;
      if (option) this.run(Number(option.dataset["at"]));
    });
    // A click beside it closes it, as Escape does.
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  // Asked for as it opens; what somebody has gone to meanwhile stays chosen.
  private async add(): Promise<void> {
    this.places = await fetchPlaces(this.url);
    const chosen = this.at > 0 ? this.shown[this.at] : undefined;
    this.commands.push(...this.places);
    this.fill();
    if (chosen) this.mark(Math.max(this.shown.indexOf(chosen), 0));
  }

  toggle(): void {
    if (this.dialog.open) {
      this.dialog.close();
      return;
    }
    this.commands = [...listCommands(), ...(this.places ?? [])];
    this.box.value = "";
    const what = this.commands.some(({ order }) => order === ORDER.tool) ? "Page, tool or action" : "Page or action";
    this.box.placeholder = this.box.ariaLabel = what;
    this.fill();
    if (!this.places) void this.add();
    this.dialog.showModal();
    this.box.focus();
  }

  private fill(): void {
    const found = rank(this.commands, this.box.value);
    this.shown = found.slice(0, MOST);
    this.list.replaceChildren(...this.shown.map(({ name, group, keys }, at) => {
      const option = create("li", { role: "option", id: `palette-${at}`, "data-at": String(at), "aria-selected": "false" });
      option.append(create("span", {}, name), create("small", { class: "muted" }, group), ...(keys ? [create("kbd", {}, keys)] : []));
      return option;
    }));
    const rest = found.length - this.shown.length;
    this.status.textContent = !found.length ? (this.places ? "Nothing is called that." : "Looking.") : !this.box.value.trim() ? "" : rest ? `${found.length.toLocaleString("en-GB")} found, the first ${MOST} shown: type more of the name.` : `${found.length} found.`;
    this.mark(0);
  }

  private mark(at: number): void {
    this.at = at;
    for (const option of this.list.children) option.setAttribute("aria-selected", String(option.id === `palette-${at}`));
    const option = this.list.children[at];
    if (option) this.box.setAttribute("aria-activedescendant", option.id);
    else this.box.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  private press(event: KeyboardEvent): void {
    const last = this.shown.length - 1;
    const to = { ArrowDown: this.at < last ? this.at + 1 : 0, ArrowUp: this.at > 0 ? this.at - 1 : last, PageDown: Math.min(this.at + 8, last), PageUp: Math.max(this.at - 8, 0) }[event.key];
    if (event.key === "Enter" && !event.isComposing) this.run(this.at);
    else if (to !== undefined && last >= 0) this.mark(to);
    else return;
    event.preventDefault();
  }

  // Closing first gives the focus back, so that an act may then move it.
  private run(at: number): void {
    const command = this.shown[at];
    if (!command) return;
    this.dialog.close();
    command.run();
  }
}

let palette: Palette | undefined;

export function togglePalette(places: string): void {
  palette ??= new Palette(places);
  palette.toggle();
}
