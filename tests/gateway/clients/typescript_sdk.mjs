// The TypeScript SDK.
import { readFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const task = JSON.parse(readFileSync(0, "utf-8"));
const entry = import.meta.resolve("@modelcontextprotocol/sdk/client/index.js");
const { version } = JSON.parse(readFileSync(new URL(entry.replace(/dist\/.*/, "package.json")), "utf-8"));

async function call(client, name, args) {
  try {
    const result = await client.callTool({ name, arguments: args });
    return { is_error: Boolean(result.isError), text: result.content[0].text };
  } catch (error) {
    return { code: error.code, text: error.message };
  }
}

const client = new Client({ name: "typescript-client", version });
const headers = { Authorization: `Bearer ${task.token}` };
await client.connect(new StreamableHTTPClientTransport(new URL(task.url), { requestInit: { headers } }));
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const answers = [];
for (const [name, args] of task.calls) {
  answers.push(await call(client, name, args));
}
await client.close();
process.stdout.write(JSON.stringify({ version, tools, answers }));
