// What the parts of a page offer to the palette, asked anew each time it opens.

export interface Command {
  name: string;
  // Where it belongs, shown behind the name.
  group: string;
  keys?: string;
  run: () => void;
}

const offers = new Set<() => readonly Command[]>();

// Gives the function that takes the offer back.
export function offerCommands(list: () => readonly Command[]): () => void {
  offers.add(list);
  return () => void offers.delete(list);
}

export const listOffers = (): Command[] => [...offers].flatMap((list) => list());
