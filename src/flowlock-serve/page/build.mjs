/**
 * Builds the page: node build.mjs OUTPUT [MODULES]
 *
 * index.html is not built: it is in the package, beside what is. MODULES is where npm has installed what
 * package-lock.json lists, by default beside this file. The same versions give the same bytes in every folder.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { licencesOf } from "../../../tools/licences.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const output = resolve(process.argv[2]);
const modules = resolve(process.argv[3] ?? join(here, "node_modules"));
const esbuild = await import(pathToFileURL(createRequire(join(modules, "x.js")).resolve("esbuild")));

const options = {
  absWorkingDir: here,
  nodePaths: [modules],
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  target: ["chrome111", "firefox113", "safari16.4"],
  logLevel: "warning",
};

const script = await esbuild.build({
  ...options,
  entryPoints: [join(here, "sources/main.jsx")],
  outfile: join(output, "app.js"),
  format: "iife",
  jsx: "automatic",
  jsxImportSource: "preact",
  define: { "process.env.NODE_ENV": '"production"' },
  alias: {
    react: "preact/compat",
    "react-dom": "preact/compat",
    "react/jsx-runtime": "preact/jsx-runtime",
    // Texts of a workflow are shown as they are written, never as markup.
    "markdown-to-jsx/react": join(here, "sources/plain.jsx"),
    // Only rjsf's own tests use it; it is not in the bundle.
    "@rjsf/validator-ajv8": join(here, "sources/validator.js"),
  },
});
await esbuild.build({ ...options, entryPoints: [join(here, "sources/app.css")], outfile: join(output, "app.css") });
await mkdir(output, { recursive: true });
await writeFile(join(output, "LICENSES.txt"), await licencesOf(script.metafile, here));
