// Elements with data-live="SERVER" fetch themselves again (hx-trigger="live") when something happened on that server.
// Hints come over a WebSocket; without one, every 2 seconds. A hint is no content: what is shown is always fetched.

const POLL_MS = 2_000;
// With a socket this only catches a hint that was lost.
const CHECK_MS = 20_000;
const RETRY_MS = 5_000;
const GIVE_UP_CODE = 4_000;

interface Hint {
  server?: string;
}

function refresh(server?: string): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-live]")) {
    if (server === undefined || element.dataset["live"] === server) element.dispatchEvent(new CustomEvent("live"));
  }
}

export function enhanceLive(): void {
  let socket: WebSocket | null = null;
  let isBarred = false;
  let triedAt = -RETRY_MS;
  let refreshedAt = performance.now();

  const connect = (path: string): void => {
    triedAt = performance.now();
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
    socket.addEventListener("open", () => refresh());
    socket.addEventListener("message", (event) => {
      const hint = JSON.parse(String(event.data)) as Hint;
      refresh(hint.server);
    });
    socket.addEventListener("close", (event) => {
      // The server said no, and will say so again.
      if (event.code >= GIVE_UP_CODE) isBarred = true;
      socket = null;
    });
  };

  window.setInterval(() => {
    const path = document.body.dataset["livePath"];
    if (document.hidden || !document.querySelector("[data-live]")) return;
    const now = performance.now();
    if (path && !socket && !isBarred && now - triedAt >= RETRY_MS) connect(path);
    const pause = socket?.readyState === WebSocket.OPEN ? CHECK_MS : POLL_MS;
    if (now - refreshedAt < pause) return;
    refreshedAt = now;
    refresh();
  }, POLL_MS / 4);
}
