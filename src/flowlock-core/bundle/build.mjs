/**
 * Builds the subset of plotly.js that dashboards have in them: node build.mjs OUTPUT [MODULES]
 *
 * MODULES is where npm has installed what package-lock.json lists, by default beside this file. The same
 * versions give the same bytes in every folder. npm's package of plotly.js has no build scripts: it is bundled
 * as its documentation says, the core with the types of traces that are registered.
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { licencesOf } from "../../../tools/licences.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const output = resolve(process.argv[2]);
const modules = resolve(process.argv[3] ?? join(here, "node_modules"));
const esbuild = await import(pathToFileURL(createRequire(join(modules, "x.js")).resolve("esbuild")));
const { traces, dependencies } = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
const version = dependencies["plotly.js"];

const script = await esbuild.build({
  absWorkingDir: here,
  nodePaths: [modules],
  stdin: {
    contents: `
      const Plotly = require("plotly.js/lib/core");
      Plotly.register([${traces.map((trace) => `require("plotly.js/lib/${trace}")`)}]);
      module.exports = Plotly;
    `,
    resolveDir: here,
  },
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none",
  format: "iife",
  globalName: "Plotly",
  banner: { js: `/* plotly.js ${version} with ${traces.join(", ")}; see LICENSES.txt */` },
  define: { global: "window", "define.amd": "false" },
  target: ["chrome111", "firefox113", "safari16.4"],
  logLevel: "warning",
  metafile: true,
  write: false,
  outfile: "plotly.js",
});
const [{ contents }] = script.outputFiles;
const sha256 = createHash("sha256").update(contents).digest("hex");
await mkdir(output, { recursive: true });
await writeFile(join(output, "plotly.js"), contents);
await writeFile(join(output, "LICENSES.txt"), await licencesOf(script.metafile, here));
await writeFile(join(output, "bundle.json"), `${JSON.stringify({ version, traces, sha256 }, null, 2)}\n`);
