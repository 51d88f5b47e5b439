// Holds the build to its promises: at most 350 kB of JavaScript when packed, no address of anybody else, no source maps.
// Run by `npm run build`; exit status 1 when one is broken.
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const MOST = 350_000;
const ROOT = fileURLToPath(new URL("../", import.meta.url));
const DIST = resolve(ROOT, process.env.SENTINEL_DASHBOARD_OUT?.trim() || "dist");
// Names of XML namespaces are no addresses; what React and others say in errors, and what a form's hint suggests to type
// (the controller calls that, no browser), is never fetched.
const HARMLESS = /^https?:\/\/(www\.w3\.org\/|react\.dev\/errors|mantine\.dev|tanstack\.com|help\.mantine\.dev|github\.com\/)|^https:\/\/events\.eu\.pagerduty\.com\//;

const files = readdirSync(DIST, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const wrong = [];
let packed = 0;
for (const { parentPath, name } of files) {
  const body = readFileSync(`${parentPath}/${name}`);
  if (name.endsWith(".map")) wrong.push(`${name}: a source map`);
  if (name.endsWith(".js")) packed += gzipSync(body, { level: 9 }).length;
  for (const [address] of body.toString("latin1").matchAll(/https?:\/\/[\w.-]+[^\s"'`)<>]*/g)) {
    if (!HARMLESS.test(address)) wrong.push(`${name}: ${address}`);
  }
}
if (packed > MOST) wrong.push(`JavaScript: more than ${MOST / 1000} kB packed`);
console.log(`budget: ${(packed / 1000).toFixed(1)} kB of JavaScript packed, of at most ${MOST / 1000} kB`);
for (const one of wrong) console.error(`budget: ${one}`);
process.exit(wrong.length === 0 ? 0 : 1);
