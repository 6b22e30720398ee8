// The editor's own JSON reader against the grammar of @lezer/json: the same tree of node names for what is JSON, and
// for what is being typed one that never leaves the text.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parser as reference } from "@lezer/json";
import { loadScript } from "./load_builder.mjs";

const { cases } = JSON.parse(readFileSync(process.env.CASES, "utf8"));
let parser;
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "policylayer-json-"));
  parser = (await loadScript(folder, "json-language")).jsonLanguage.parser;
});
after(() => rmSync(folder, { recursive: true }));

function nodesOf(tree) {
  const found = [];
  tree.iterate({ enter: ({ name, from, to }) => void found.push(`${name} ${from}-${to}`) });
  return found;
}

test("JSON has the tree that the grammar gives it", () => {
  const odd = ['"\\u00e9 \\"x"', " [1.5e-3,\r\n\ttrue, false,null , {}]", "[[], {\"\": []}]", "-0"];
  const texts = [...cases.map(({ text }) => text), ...odd];
  for (const text of texts) assert.deepEqual(nodesOf(parser.parse(text)), nodesOf(reference.parse(text)), text);
});

test("what is being typed has the places where completion and colours look", () => {
  const last = (text) => nodesOf(parser.parse(text)).join("; ");
  assert.match(last('{"a": {"act'), /Property 1-11; PropertyName 1-4; : 4-5; Object 6-11; \{ 6-7; ⚠ 7-11/);
  assert.match(last('{"a": '), /Property 1-6; PropertyName 1-4; : 4-5; ⚠ 6-6/);
  assert.match(last('{"a": tru'), /Property 1-9; PropertyName 1-4; : 4-5; ⚠ 6-9/);
  assert.match(last('{"a": [1, {"b": ]}'), /Array 6-17.*\] 16-17; \} 17-18$/);
});

test("no text makes the reader fail, stand still or leave the text", () => {
  const signs = ["{", "}", "[", "]", ",", ":", '"', "x", "1", "\n", "\\", "é", "𝕏"];
  for (const [at, { text }] of cases.entries()) {
    let broken = text;
    for (let step = 1; step <= 3; step += 1) {
      const place = (at * 7919 * step) % (broken.length + 1);
      broken = broken.slice(0, place) + signs[(at + step) % signs.length] + broken.slice(place + (at % 3));
    }
    const tree = parser.parse(broken);
    assert.equal(tree.length, broken.length);
    tree.iterate({ enter: ({ from, to }) => assert.ok(from >= 0 && from <= to && to <= broken.length, broken) });
  }
  assert.equal(parser.parse("[".repeat(50_000)).length, 50_000);
});
