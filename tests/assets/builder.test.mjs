// The builder's reading, resolving and editing, over the policies and the engine's answers in the file that CASES names.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { history, undo } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { loadBuilder } from "./load_builder.mjs";

const { tools, cases } = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const PLAIN = ["allow", "deny", "hide", "approve"];
let builder;
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "policylayer-builder-"));
  builder = await loadBuilder(folder);
});
after(() => rmSync(folder, { recursive: true }));

const apply = (text, edits) => {
  const parts = [];
  let at = 0;
  for (const { offset, length, content } of edits) {
    assert.ok(offset >= at, "edits overlap or are out of order");
    parts.push(text.slice(at, offset), content);
    at = offset + length;
  }
  return parts.join("") + text.slice(at);
};

const read = (text) => {
  const { document, reason } = builder.readDocument(text);
  assert.ok(document, `${reason}\n${text}`);
  return { document, policy: builder.readPolicy(document) };
};

// What stands in the text under each key of an object, spelling included.
const textsBelow = (document, node) =>
  new Map(builder.membersOf(node).map(({ key, value }) => [key, builder.textOf(document, value)]));

const pick = (list, index) => list[index % list.length];

test("the rule that serves each tool is the engine's", () => {
  let compared = 0;
  for (const { text, answers } of cases) {
    const { policy } = read(text);
    for (const tool of tools) {
      const expected = answers[tool.name];
      const { action, pointer, source } = builder.serve(policy, tool);
      assert.deepEqual([action, source === "hidden" ? "" : pointer], expected, `${tool.name} in ${text}`);
      compared += 1;
    }
  }
  assert.ok(compared >= 1000 * tools.length);
});

test("a policy that is read and not changed stays as it is, whatever control says again what it shows", () => {
  for (const { text } of cases) {
    const { document, policy } = read(text);
    assert.equal(document.text, text);
    for (const tool of tools) {
      const { state } = builder.serve(policy, tool);
      if (state !== "custom") assert.deepEqual(builder.setStates(document, policy, [tool], state).edits, []);
      const own = policy.tools.get(tool.name);
      if (!own) assert.deepEqual(builder.clearOwn(document, policy, [tool.name]).edits, []);
      for (const kind of builder.KINDS) {
        builder.elementsOf(own && builder.memberOf(own.node, kind)).forEach((node, index) => {
          const pointer = `${own.pointer}/${kind}/${index}`;
          const fields = builder.fieldsOf(tool.input_schema);
          const entry = builder.drawEntry(document, node, { kind, index, pointer }, fields);
          if (!entry) return;
          const shown = entry.field.type === "choice" || entry.field.type === "flag"
            ? entry.values : builder.readValues(entry.op, builder.showValues(entry.values), entry.values);
          assert.deepEqual(shown, entry.values, text);
        });
      }
    }
    assert.deepEqual(builder.setDefault(document, policy.isDefaultAllow ? "allow" : "deny"), []);
  }
});

test("a change changes its own place only, and undo brings every character back", () => {
  cases.forEach(({ text }, number) => {
    const { document, policy } = read(text);
    const chosen = tools.filter((_, index) => (index + number) % 3 === 0);
    const state = pick(PLAIN, number);
    const outcome = builder.setStates(document, policy, chosen, state);
    const changed = apply(text, outcome.edits);
    const now = read(changed);
    for (const tool of tools) {
      const before = builder.serve(policy, tool);
      const after = builder.serve(now.policy, tool);
      const isTarget = chosen.includes(tool) && !outcome.blocked.includes(tool.name);
      if (isTarget) assert.equal(after.state, state, `${tool.name}\n${text}\n${changed}`);
      else assert.deepEqual([after.state, after.action, after.source, after.name], [before.state, before.action, before.source, before.name], `${tool.name}\n${text}\n${changed}`);
    }
    const [fields, fieldsNow] = [textsBelow(document, document.root), textsBelow(now.document, now.document.root)];
    for (const [key, value] of fields) if (key !== "tools" && key !== "hide") assert.equal(fieldsNow.get(key), value);
    const rules = textsBelow(document, builder.findNode(document, "/tools"));
    const rulesNow = textsBelow(now.document, builder.findNode(now.document, "/tools"));
    const names = new Set(chosen.map(({ name }) => name));
    for (const [key, value] of rules) if (!names.has(key)) assert.equal(rulesNow.get(key), value, changed);
    const keys = [...rules.keys()];
    assert.deepEqual([...rulesNow.keys()].slice(0, keys.length), keys);
    comeBack(text, outcome.edits, changed);
  });
});

function comeBack(text, edits, changed) {
  const plain = text.replaceAll("\r\n", "\n");
  if (plain !== text) return;
  let state = EditorState.create({ doc: text, extensions: [history()] });
  const changes = edits.map(({ offset, length, content }) => ({ from: offset, to: offset + length, insert: content }));
  state = state.update({ changes }).state;
  assert.equal(state.doc.toString(), changed);
  undo({ state, dispatch: (transaction) => { state = transaction.state; } });
  assert.equal(state.doc.toString(), text);
}

test("levels, own rules and conditions can be set and taken away, and the text can always be read", () => {
  cases.forEach(({ text }, number) => {
    const level = pick(["low", "medium", "high", "critical"], number);
    const state = pick(PLAIN, number + 1);
    const { document, policy } = read(text);
    const risked = read(apply(text, builder.setRisk(document, policy, level, state)));
    assert.equal(risked.policy.risk.get(level).action ?? "allow", { approve: "require_approval" }[state] ?? state);
    const cleared = read(apply(risked.document.text, builder.setRisk(risked.document, risked.policy, level, null)));
    assert.equal(cleared.policy.risk.has(level), false);

    const tool = pick(tools, number);
    const field = pick(builder.fieldsOf(tool.input_schema), number);
    const op = builder.opsFor(field)[0];
    const entry = builder.writeEntry(field, op, field.type === "number" ? ["0.50"] : field.type === "flag" ? ["true"] : ['"Buy"'], "No.");
    const edits = builder.changeRule(document, policy, tool, builder.addItem("require", entry));
    if (builder.isBlocked(policy, tool.name)) return assert.deepEqual(edits, []);
    const ruled = read(apply(text, edits));
    const serving = builder.serve(ruled.policy, tool);
    assert.equal(serving.source, "own");
    assert.equal(serving.state, "custom", ruled.document.text);
    const before = builder.serve(policy, tool);
    // What was held for a person stays held, and no condition of the rule that served the tool is lost.
    if (before.action === "require_approval") assert.equal(serving.action, "require_approval", ruled.document.text);
    for (const clause of before.rule?.clauses ?? []) assert.ok(serving.rule.clauses.includes(clause), ruled.document.text);
    const gone = read(apply(ruled.document.text, builder.clearOwn(ruled.document, ruled.policy, [tool.name]).edits));
    assert.equal(gone.policy.tools.has(tool.name), false);
  });
});

test("what strict readers refuse is not drawn", () => {
  for (const text of ["", "[]", '{"version": "1",}', '{"a": 1} x', '{"a": 01}', '{"default": "deny", "default": "allow"}']) {
    assert.equal(builder.readDocument(text).document, null, text);
  }
});
