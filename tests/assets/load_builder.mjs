// Builds scripts of the pages with Vite into a folder, and imports them: `await loadBuilder(folder)` for the pure parts
// of the policy builder, `await loadScript(folder, "completion")` for others.
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "vite";

export const ROOT = resolve(import.meta.dirname, "../..");

export const loadBuilder = (folder) => loadScript(folder, "builder/entry");

export async function loadScript(folder, name) {
  const file = `${name.replaceAll("/", "-")}.mjs`;
  await build({
    configFile: false,
    root: ROOT,
    logLevel: "error",
    ssr: { noExternal: true },
    build: {
      ssr: join(ROOT, `assets/src/${name}.ts`),
      outDir: folder,
      emptyOutDir: false,
      rolldownOptions: { output: { entryFileNames: file } },
    },
  });
  return import(pathToFileURL(join(folder, file)).href);
}
