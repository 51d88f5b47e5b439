// How the dashboard is built (`npm run build`, into dist/) and served while it is worked on (`npm run dev`).
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// Where `npm run dev` finds a controller, as for the command line: SENTINEL_URL, and SENTINEL_CA to trust it.
const controller = process.env.SENTINEL_URL ?? "https://127.0.0.1:8443";
const authority = process.env.SENTINEL_CA;

const root = import.meta.dirname;
const wanted = process.env.SENTINEL_DASHBOARD_OUT?.trim() ?? "";

/** A build empties the folder it goes into. So it goes into none but what is not there, is empty, or is an older build,
 *  whatever the settings, the environment or the command line say. */
function ownFolder(): Plugin {
  return {
    name: "own-folder",
    apply: "build",
    configResolved(config) {
      const folder = resolve(config.root, config.build.outDir || ".");
      const found = existsSync(folder) ? readdirSync(folder) : [];
      if (found.some((name) => name !== "index.html" && name !== "assets")) {
        throw new Error(`${folder} holds more than a build, and would be emptied; give another --outDir`);
      }
    },
  };
}

export default defineConfig({
  root,
  plugins: [react(), ownFolder()],
  build: {
    outDir: wanted === "" ? "dist" : wanted,
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    // A file that is written into another one as data: would need a wider policy for fonts and images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    // What the first page needs in one file, and what several pages share in another: many small files pack worse.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "first", tags: ["$initial"], priority: 2 },
            { name: "parts", minShareCount: 3, test: /./ },
          ],
        },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/docs", "/openapi.json"].map((path) => [
        path,
        {
          target: controller,
          changeOrigin: true,
          ws: true,
          // Without the authority's file the controller is trusted unseen: this server is for one's own machine.
          secure: authority !== undefined,
          ...(authority === undefined ? {} : { ca: readFileSync(authority, "utf8") }),
          // The controller takes changes from its own pages alone; while developing, this server's are those.
          headers: { Origin: controller },
        },
      ]),
    ),
  },
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
