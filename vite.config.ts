// Builds assets/src into assets/dist, with the manifest that django-vite reads.
import { defineConfig } from "vite";

export default defineConfig({
  root: "assets",
  base: "./",
  publicDir: "public",
  // The manifest names fonts by their path below node_modules, which base.html asks for, even where that is a link.
  resolve: { preserveSymlinks: true },
  build: {
    outDir: "dist",
    assetsDir: "build",
    emptyOutDir: true,
    manifest: true,
    target: "es2023",
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // htmx carries an eval that its own allowEval switch (off, see base.html) and the CSP both bar.
    rolldownOptions: { input: ["assets/src/main.ts"], checks: { eval: false } },
  },
});
