// Elements with data-live="SERVER" hear a "live" event (hx-trigger="live") when something happened on that server; those
// with data-live-on="KIND" when something of that kind did. Hints come over the WebSocket at data-live-path; without
// one, every 2 seconds. A hint is no content.

const POLL_MS = 2_000;
const TICK_MS = 250;
// With a socket this only catches a hint that was lost.
const CHECK_MS = 20_000;
const RETRY_MS = 5_000;
// The server, or a proxy on the way, does not open sockets: it may do so later.
const BARRED_MS = 60_000;

interface Hint {
  server?: string;
  happened?: string;
}

// What waits to be fetched again; a hint without a server is about all. A panel that is being fetched is asked again afterwards, because the
// answer under way may be older than the hint, and it replaces the element that would otherwise remember.
const wanted = new Map<string, Hint>();

function refresh(hint: Hint = {}): void {
  wanted.set(`${hint.server} ${hint.happened}`, hint);
}

function isMeant(element: HTMLElement, { server, happened }: Hint): boolean {
  if (server === undefined) return true;
  const { live, liveOn } = element.dataset;
  return live === server && (liveOn === undefined || happened === undefined || liveOn === happened);
}

function fetchWanted(): void {
  const hints = [...wanted.values()];
  wanted.clear();
  if (!hints.length) return;
  for (const element of document.querySelectorAll<HTMLElement>("[data-live]")) {
    const hint = hints.find((each) => isMeant(element, each));
    if (!hint) continue;
    if (element.classList.contains("htmx-request")) refresh(hint);
    else element.dispatchEvent(new CustomEvent("live"));
  }
}

function findPath(): string | undefined {
  return document.querySelector<HTMLElement>("[data-live-path]")?.dataset["livePath"];
}

class Line {
  private socket: WebSocket | null = null;
  private retryAt = 0;

  get isOpen(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  keep(path: string, now: number): void {
    if (this.socket || now < this.retryAt) return;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
    let wasOpen = false;
    this.socket = socket;
    socket.addEventListener("open", () => {
      wasOpen = true;
      refresh();
    });
    socket.addEventListener("message", (event) => refresh(JSON.parse(String(event.data)) as Hint));
    socket.addEventListener("close", () => {
      this.socket = null;
      this.retryAt = performance.now() + (wasOpen ? RETRY_MS : BARRED_MS);
    });
  }

  drop(): void {
    this.socket?.close();
  }
}

export function enhanceLive(): void {
  const line = new Line();
  let refreshedAt = performance.now();
  window.setInterval(() => {
    const path = findPath();
    if (path === undefined) {
      line.drop();
      return;
    }
    if (document.hidden) return;
    const now = performance.now();
    line.keep(path, now);
    if (now - refreshedAt >= (line.isOpen ? CHECK_MS : POLL_MS)) {
      refreshedAt = now;
      refresh();
    }
    fetchWanted();
  }, TICK_MS);
}
