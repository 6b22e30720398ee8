// The builder's reading, resolving and editing, over the policies and the engine's answers in the file that CASES names.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
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
    const entry = writeEntry(number);
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

// Every entry and limit of a document, with its pointer.
function* partsOf({ document, policy }) {
  const rules = [...policy.tools.values(), ...policy.risk.values(), { node: builder.findNode(document, "/all_tools"), pointer: "/all_tools" }];
  for (const rule of rules) {
    for (const part of builder.PARTS) {
      const list = builder.elementsOf(rule.node && builder.memberOf(rule.node, part));
      for (const [index, node] of list.entries()) yield { part, node, pointer: `${rule.pointer}/${part}/${index}`, isShared: rule.pointer === "/all_tools" };
    }
  }
}

function* conditionsIn(document, node, pointer) {
  for (const [index, condition] of builder.elementsOf(builder.memberOf(node, "conditions")).entries()) {
    const op = builder.stringOf(builder.memberOf(condition, "op"));
    yield { condition, op, value: builder.memberOf(condition, "value"), pointer: `${pointer}/conditions/${index}` };
  }
}

const TYPES = ["text", "number", "any", "choice"];

test("a form says again what stands in the document, in its own spelling, and what it cannot draw it leaves", () => {
  const seen = { drawn: 0, undrawn: 0, values: 0 };
  for (const { text } of cases) {
    const { document, policy } = read(text);
    for (const { part, node, pointer, isShared } of partsOf({ document, policy })) {
      const raw = builder.textOf(document, node);
      const hasNoForm = raw.includes('"args.legs", "op": "eq"') || raw.includes("null");
      assert.equal(builder.isDrawn(part, node, isShared), !hasNoForm, raw);
      seen[hasNoForm ? "undrawn" : "drawn"] += 1;
      for (const key of ["on_deny", "scope", "window", "max", "counter", "each", "conditions"]) {
        const value = builder.memberOf(node, key);
        if (value) assert.deepEqual(builder.changeKeys(document, pointer, { [key]: builder.textOf(document, value) }), []);
        else assert.deepEqual(builder.changeKeys(document, pointer, { [key]: null }), []);
      }
      assert.deepEqual(builder.changeEach(document, pointer, builder.listOf(builder.stringOf(builder.memberOf(node, "each")) ?? "")), []);
      for (const { op, value, pointer: at } of hasNoForm ? [] : conditionsIn(document, node, pointer)) {
        if (["object", "boolean"].includes(value.type) || op === "exists") continue;
        const texts = builder.textsOf(document, value);
        for (const type of TYPES) {
          assert.deepEqual(builder.readValues(op, type, builder.showValues(op, texts), texts), texts, raw);
          if (builder.isListOp(op)) assert.deepEqual(builder.readValues(op, type, `${builder.showValues(op, texts)}, 77x`, texts), [...texts, '"77x"'], raw);
        }
        assert.deepEqual(builder.changeAt(document, `${at}/value`, builder.textOf(document, value)), []);
        seen.values += 1;
      }
    }
  }
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 100, `${what}: ${count}`);
});

const within = (edits, node) => edits.every(({ offset, length }) => offset >= node.offset && offset + length <= node.offset + node.length);

// What a hand does in the form of one entry, each as the edits that the form gives.
const STROKES = [
  (document, pointer) => builder.changeKeys(document, pointer, { on_deny: '"Another reason."' }),
  (document, pointer) => builder.changeKeys(document, pointer, { on_deny: null }),
  (document, pointer) => builder.changeItems(document, `${pointer}/conditions`, [], ['{"path": "args.side", "op": "eq", "value": "Sell"}']),
  (document, pointer) => builder.changeItems(document, `${pointer}/conditions`, [0]),
  (document, pointer) => builder.changeEach(document, pointer, "args.legs[*]"),
  (document, pointer) => builder.changeEach(document, pointer, ""),
  (document, pointer) => builder.changeKeys(document, `${pointer}/conditions/0`, { op: '"exists"', value: "true" }),
  (document, pointer) => builder.changeKeys(document, `${pointer}/conditions/0`, { path: null, amount: '{"sum": "args.legs[*].qty"}', op: '"gt"', value: "5.0" }),
  (document, pointer) => builder.changeKeys(document, pointer, { window: "90", scope: '"organisation"' }),
  (document, pointer) => builder.changeAt(document, `${pointer}/amount`, '{"count": "args.legs[*]"}'),
];

test("an edit in a form stays inside its entry, and undo brings every character back", () => {
  let strokes = 0;
  for (const [number, { text }] of cases.entries()) {
    const { document, policy } = read(text);
    for (const { node, pointer } of partsOf({ document, policy })) {
      for (const stroke of [pick(STROKES, number), pick(STROKES, number + 3), pick(STROKES, number + 7)]) {
        const edits = stroke(document, pointer);
        assert.ok(within(edits, node), text);
        const changed = apply(text, edits);
        read(changed);
        assert.equal(builder.applyEdits(text, edits), changed);
        if (edits.length) comeBack(text, edits, changed);
        strokes += edits.length > 0;
      }
    }
  }
  assert.ok(strokes > 1000, strokes);
});

test("paths move along when the elements of a list are judged together, and back", () => {
  let moved = 0;
  for (const { text } of cases) {
    const { document, policy } = read(text);
    for (const { part, node, pointer } of partsOf({ document, policy })) {
      if (part === "limits" || builder.memberOf(node, "each")) continue;
      const there = read(apply(text, builder.changeEach(document, pointer, "args.legs[*]"))).document;
      assert.doesNotMatch(builder.textOf(there, builder.findNode(there, `${pointer}/conditions`)), /args\.legs\[\*\]/);
      moved += builder.textOf(there, builder.findNode(there, pointer)).includes("item.qty");
      assert.equal(apply(there.text, builder.changeEach(there, pointer, "")), text);
    }
  }
  assert.ok(moved > 50, moved);
});

const SAMPLES = { number: "0.50", text: "Buy", choice: "Buy", amount: "5000", any: "7", list: "x" };

// An entry as the form of a new one fills it in: each place and comparison of the schema in turn.
function writeEntry(number) {
  const places = builder.placesOf(pick(tools, number).input_schema);
  const choices = [...places, { path: "call.time", type: "time", choices: [] }, { path: "", type: "amount", choices: [] }]
    .flatMap((place) => builder.opsFor(place.type).map((op) => [place, op]));
  const [place, op] = pick(choices, number * 7);
  const typed = builder.isOrderOp(op) ? "12.50" : SAMPLES[place.type];
  const blank = builder.blankValue(op, place.type);
  const value = /null|\[\]|""/.test(blank) ? builder.writeValue(op, builder.readValues(op, place.type, typed)) : blank;
  const subject = place.path ? `"path": ${JSON.stringify(place.path)}` : `"amount": {"product": ["args.qty", "args.leverage"]}`;
  return `{"conditions": [{${subject}, "op": "${op}", "value": ${value}}], "on_deny": "No."}`;
}

test("what the forms make is what the engine reads", () => {
  const made = cases.map(({ text }, number) => {
    const { document, policy } = read(text);
    const tool = pick(tools, number);
    const entry = writeEntry(number);
    const part = pick(builder.KINDS, number);
    const { root } = read(entry).document;
    assert.ok(builder.isDrawn(part, root) && builder.isWhole(root), entry);
    const isShared = number % 2 === 0;
    return apply(text, isShared ? builder.changeShared(document, "/all_tools", builder.addItem(part, entry)) : builder.changeRule(document, policy, tool, builder.addItem(part, entry)));
  });
  writeFileSync(process.env.MADE, JSON.stringify(made));
});

test("the warning of an absent argument carries the rule that closes it, for the tools that have the argument", () => {
  const slip = '"deny_if": [{CONDITIONS "conditions": [{"path": "args.qty", "op": "gt", "value": 5}]}]';
  const text = `{"all_tools": {${slip.replace("CONDITIONS", '"for": ["c*"],')}}, "risk": {"low": {${slip.replace("CONDITIONS", "")}}}}`;
  const { document } = read(text);
  const suggestion = '{"path": "args.qty", "op": "exists", "value": true}';
  const problem = { pointer: "/all_tools/deny_if/0/conditions/0", suggestion };
  const close = (...args) => builder.findClosing(document, ...args);
  const entry = `{"conditions": [${suggestion}], "for": ["c*"]}`;
  assert.deepEqual(close(problem, tools), { base: "/all_tools", path: "args.qty", entry });
  const more = [...tools, { name: "cancelNothing", input_schema: { type: "object", properties: {} } }];
  const names = tools.map(({ name }) => name).filter((name) => name.startsWith("c"));
  assert.equal(close(problem, more).entry, `{"conditions": [${suggestion}], "for": [${names.map((name) => JSON.stringify(name)).join(", ")}]}`);
  const low = { pointer: "/risk/low/deny_if/0/conditions/0", suggestion };
  assert.equal(close(low, tools).entry, `{"conditions": [${suggestion}]}`);
  assert.equal(close(low, more).entry, null);
  for (const other of ["", "args.qty", "{", '{"path": "args.qty"}', '{"op": "exists", "path": 5}']) {
    assert.equal(close({ ...problem, suggestion: other }, tools), null, other);
  }
  assert.equal(close({ pointer: "/all_tools", suggestion }, tools), null);
});

test("schemas are followed through references, alternatives and lists, and a schema without end is cut", () => {
  const schema = {
    $defs: {
      leg: { type: "object", properties: { qty: { anyOf: [{ type: "string" }, { type: "null" }] }, side: { $ref: "#/$defs/side" }, next: { $ref: "#/$defs/leg" } } },
      side: { enum: ["Buy", "Sell", null] },
    },
    type: "object",
    properties: {
      legs: { anyOf: [{ type: "array", items: { $ref: "#/$defs/leg" } }, { type: "null" }] },
      size: { oneOf: [{ type: "string" }, { type: "number" }] },
      market: { allOf: [{ $ref: "#/$defs/side" }] },
      "odd.name": { type: ["integer", "null"] },
    },
  };
  const places = new Map(builder.placesOf(schema).map((place) => [place.path, place]));
  const typeOf = (path) => places.get(path)?.type;
  assert.equal(typeOf("args.legs"), "list");
  assert.equal(typeOf("args.legs[*]"), "object");
  assert.equal(typeOf("args.legs[*].qty"), "text");
  assert.deepEqual(places.get("args.legs[*].side"), { path: "args.legs[*].side", type: "choice", choices: ['"Buy"', '"Sell"'] });
  assert.equal(typeOf("args.legs[*].next.side"), "choice");
  assert.equal(typeOf("args.size"), "any");
  assert.equal(typeOf("args.market"), "choice");
  assert.equal(typeOf('args["odd.name"]'), "number");
  assert.ok(places.size < 100, places.size);
  const inside = builder.placesIn([...places.values()], "args.legs[*]").map(({ path }) => path);
  assert.ok(inside.includes("item.qty") && inside.includes("item") && inside.includes("args.size") && !inside.includes("args.legs[*].qty"));
  const joined = builder.joinPlaces([schema, { properties: { size: { type: "number" }, market: { enum: ["Spot"] } } }]);
  assert.deepEqual(joined.find(({ path }) => path === "args.market").choices, ['"Buy"', '"Sell"', '"Spot"']);
});

test("what strict readers refuse is not drawn", () => {
  for (const text of ["", "[]", '{"version": "1",}', '{"a": 1} x', '{"a": 01}', '{"default": "deny", "default": "allow"}']) {
    assert.equal(builder.readDocument(text).document, null, text);
  }
});
