// What completion offers in the texts of the file that CASES names, each with a caret, and what choosing it makes of
// them: JSON on standard output, for the test that runs this.
import { readFileSync, rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EditorState } from "@codemirror/state";
import { loadScript } from "./load_builder.mjs";

const { data, cases } = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const folder = mkdtempSync(join(tmpdir(), "policylayer-completion-"));
try {
  const { insertOption, listOptions } = await loadScript(folder, "completion");
  const answers = cases.map(({ text, at }) =>
    listOptions(data, text, at).map(({ label, detail, stub }) => {
      const state = EditorState.create({ doc: text });
      const { state: after } = state.update(insertOption(state, at, stub));
      const { from, to } = after.selection.main;
      return { label, detail, text: after.doc.toString(), from, to };
    }));
  process.stdout.write(JSON.stringify(answers));
} finally {
  rmSync(folder, { recursive: true });
}
