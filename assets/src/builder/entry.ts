// The builder's pure parts in one module, as the tests of the repository load it outside a browser.
export * from "./changes";
export * from "./document";
export * from "./edits";
export * from "./forms";
export * from "./names";
export * from "./places";
export * from "./resolve";
export * from "./strokes";
export * from "./tools";
