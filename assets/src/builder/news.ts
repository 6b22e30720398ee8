// Says on a policy's page, while it stays open, that somebody else has published: <div data-news="URL of the version in
// force" data-number="the one this page was made with">, which live.ts wakes. It never touches the text.

interface Current {
  number: number;
  author: string;
  published_at: string;
}

const STEPS = [[60, "minute"], [3_600, "hour"], [86_400, "day"]] as const;

function sayAgo(at: string): string {
  const seconds = (Date.now() - new Date(at).getTime()) / 1_000;
  const step = STEPS.findLast(([size]) => seconds >= size);
  if (!step) return "just now";
  return new Intl.RelativeTimeFormat("en-GB").format(-Math.floor(seconds / step[0]), step[1]);
}

function makeButton(word: string, act: () => void): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small";
  button.textContent = word;
  button.addEventListener("click", act);
  return button;
}

function makeLink(word: string, href: string): HTMLAnchorElement {
  const link = document.createElement("a");
  link.href = href;
  link.textContent = word;
  return link;
}

export interface Writing {
  // The version that the text was written over, and whether the text has changed since.
  base: () => number;
  isDraft: () => boolean;
  focus: () => void;
}

export function followNews(writing: Writing): void {
  const place = document.querySelector<HTMLElement>("[data-news]");
  if (!place) return;
  const { news: url = "", compare = "" } = place.dataset;
  let told = Number(place.dataset["number"]);
  let isAsking = false;

  const tell = ({ number, author, published_at }: Current): void => {
    const [base, isDraft] = [writing.base(), writing.isDraft()];
    const words = document.createElement("p");
    words.textContent = `Version ${number} was published by ${author} ${sayAgo(published_at)}. ${isDraft ? `Your draft is over version ${base}; publishing it will ask you once more.` : `This page shows version ${base}.`}`;
    const line = document.createElement("p");
    line.className = "row";
    if (base > 0) line.append(makeLink(`Compare versions ${base} and ${number}`, `${compare}?before=${base}&after=${number}`));
    if (isDraft) line.append(makeButton("Keep writing", () => { place.hidden = true; writing.focus(); }));
    else line.append(makeLink(`Show version ${number}`, location.pathname));
    place.replaceChildren(words, line);
    place.className = "notice notice-warn";
    place.setAttribute("role", "status");
    place.hidden = false;
  };

  place.addEventListener("live", async () => {
    if (isAsking) return;
    isAsking = true;
    try {
      const response = await fetch(url, { credentials: "same-origin", redirect: "error" });
      const current = response.ok ? ((await response.json()) as Current) : null;
      if (!current || current.number <= told) return;
      told = current.number;
      tell(current);
    } catch {
      // Away, or signed out: publishing itself will say so.
    } finally {
      isAsking = false;
    }
  });
}
