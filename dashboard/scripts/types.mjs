// Types of the API, from the controller's own OpenAPI document: `npm run types` writes src/data/api.gen.ts,
// `npm run types -- --check` says whether it agrees (exit status 1 when it does not). Needs the project's .venv.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const OUT = here("../src/data/api.gen.ts");
const python = process.env.PYTHON ?? here("../../.venv/bin/python");
if (!existsSync(python)) {
  console.error(`types: there is no ${python}; run \`make dev\` in the project's folder first`);
  process.exit(1);
}

const document = JSON.parse(execFileSync(python, [here("openapi.py")], { maxBuffer: 1 << 26 }).toString());

// Every refusal has the same shape (problem+json), which data/refusal.ts knows; repeating it at each call would make most
// of the file.
for (const operations of Object.values(document.paths)) {
  for (const operation of Object.values(operations)) {
    for (const status of Object.keys(operation.responses)) {
      if (!status.startsWith("2")) delete operation.responses[status];
    }
  }
}

// The API may add fields to any object; a page that reads one which its types do not have is a mistake all the same.
function close(found) {
  if (typeof found !== "object" || found === null) return;
  if (found.additionalProperties === true && found.properties !== undefined) delete found.additionalProperties;
  Object.values(found).forEach(close);
}
close(document);

const header =
  "// Made by `npm run types` from the controller's OpenAPI document; not to be edited.\n// Used by data/shapes.ts.\n\n";
const made = header + astToString(await openapiTS(document, { defaultNonNullable: false }));

if (!process.argv.includes("--check")) {
  writeFileSync(OUT, made);
  console.log(`types: wrote ${Object.keys(document.paths).length} paths to src/data/api.gen.ts`);
} else if (!existsSync(OUT) || readFileSync(OUT, "utf8") !== made) {
  console.error("types: src/data/api.gen.ts is not what the API is now; run `npm run types` and look at what changed");
  process.exit(1);
} else {
  console.log("types: src/data/api.gen.ts agrees with the API");
}
