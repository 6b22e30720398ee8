// <button class="copy" data-copy="TEXT or #id">: copies the text, or the text of the element with that id.

const SHOWN_MS = 1800;

function textFor(button: HTMLElement): string {
  const wanted = button.dataset["copy"] ?? "";
  const source = wanted.startsWith("#") ? document.getElementById(wanted.slice(1)) : null;
  if (!source) return wanted;
  if (source instanceof HTMLInputElement || source instanceof HTMLTextAreaElement) return source.value;
  return source.textContent.trim();
}

// The clipboard interface exists on https and localhost only; elsewhere the old command still works.
function copyByCommand(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  area.setAttribute("aria-hidden", "true");
  document.body.append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } finally {
    area.remove();
  }
}

async function copyText(text: string): Promise<boolean> {
  if (!("clipboard" in navigator)) return copyByCommand(text);
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByCommand(text);
  }
}

function announce(text: string): void {
  const region = document.getElementById("announcements");
  if (region) region.textContent = text;
}

export function enhanceCopyButtons(): void {
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("button.copy") : null;
    if (!button) return;
    const isCopied = await copyText(textFor(button));
    button.dataset["state"] = isCopied ? "copied" : "failed";
    announce(isCopied ? "Copied" : "Could not copy: select the text and copy it by hand");
    button.focus();
    window.setTimeout(() => {
      delete button.dataset["state"];
      announce("");
    }, SHOWN_MS);
  });
}
