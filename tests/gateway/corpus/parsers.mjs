// Reads documents (base64, one a line) as JSON.parse does, and says what it saw in a form that every language can say.
import { createInterface } from "node:readline";

const bits = new DataView(new ArrayBuffer(8));

function codeUnits(text) {
  return Buffer.from(text, "utf16le").toString("hex");
}

function say(value) {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") {
    bits.setFloat64(0, value);
    return ["number", bits.getBigUint64(0).toString(16).padStart(16, "0")];
  }
  if (typeof value === "string") return ["text", codeUnits(value)];
  if (Array.isArray(value)) return ["list", value.map(say)];
  const members = Object.keys(value).map((key) => [codeUnits(key), say(value[key])]);
  members.sort((left, right) => (left[0] < right[0] ? -1 : left[0] > right[0] ? 1 : 0));
  return ["object", members];
}

for await (const line of createInterface({ input: process.stdin })) {
  let seen;
  try {
    seen = { value: say(JSON.parse(Buffer.from(line, "base64").toString("utf8"))) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    seen = { error: true };
  }
  process.stdout.write(`${JSON.stringify(seen)}\n`);
}
