// Builds the pure parts of the policy builder with Vite into a folder, and imports them: `await loadBuilder(folder)`.
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "vite";

export const ROOT = resolve(import.meta.dirname, "../..");

export async function loadBuilder(folder) {
  await build({
    configFile: false,
    root: ROOT,
    logLevel: "error",
    ssr: { noExternal: true },
    build: {
      ssr: join(ROOT, "assets/src/builder/entry.ts"),
      outDir: folder,
      emptyOutDir: false,
      rolldownOptions: { output: { entryFileNames: "builder.mjs" } },
    },
  });
  return import(pathToFileURL(join(folder, "builder.mjs")).href);
}
