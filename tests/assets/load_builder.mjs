// Builds a module of the front end with Vite into a folder, and imports it; `loadBuilder` the pure parts of the builder.
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "vite";

export const ROOT = resolve(import.meta.dirname, "../..");

export const loadBuilder = (folder) => loadModule("assets/src/builder/entry.ts", folder);

export async function loadModule(source, folder) {
  await build({
    configFile: false,
    root: ROOT,
    logLevel: "error",
    ssr: { noExternal: true },
    build: {
      ssr: join(ROOT, source),
      outDir: folder,
      emptyOutDir: false,
      rolldownOptions: { output: { entryFileNames: "module.mjs" } },
    },
  });
  return import(pathToFileURL(join(folder, "module.mjs")).href);
}
