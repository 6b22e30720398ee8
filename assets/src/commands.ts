// What the parts of a page offer to the palette, asked anew each time it opens.

export interface Command {
  name: string;
  // Where it belongs, shown behind the name.
  group: string;
  keys?: string;
  // Where it stands among those that fit as well; of this page when it does not say.
  order?: number;
  run: () => void;
}

// What there are hundreds of comes last.
export const ORDER = { page: 0, server: 1, settings: 2, site: 3, organisation: 4, tool: 5 };

const offers = new Set<() => readonly Command[]>();

// Gives the function that takes the offer back.
export function offerCommands(list: () => readonly Command[]): () => void {
  offers.add(list);
  return () => void offers.delete(list);
}

export const listOffers = (): Command[] => [...offers].flatMap((list) => list());
