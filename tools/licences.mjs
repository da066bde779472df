/** The licences of npm packages whose code is in a bundle, for the builds of committed bundles. */

import { readFile, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";

/**
 * Return the licences of the packages in a bundle of esbuild, each under its name and version.
 *
 * `source` is esbuild's working directory; `licences/` in it has the texts of packages that name theirs only.
 */
export async function licencesOf(metafile, source) {
  const texts = [];
  for (const [name, folder] of packagesOf(metafile, source)) {
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const place = file ? join(folder, file) : join(source, "licences", `${name.replace("/", "+")}.txt`);
    const text = await readFile(place, "utf8");
    texts.push(`${name} ${version}, ${license}\n\n${text.replaceAll("\r\n", "\n").trim()}\n`);
  }
  return texts.join(`\n${"-".repeat(78)}\n\n`);
}

/** Return the folders of the packages whose code is in the bundle, by name. */
function packagesOf(metafile, source) {
  const [bundle] = Object.values(metafile.outputs);
  const found = new Map();
  for (const [file, { bytesInOutput }] of Object.entries(bundle.inputs)) {
    const inside = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(file);
    if (inside && bytesInOutput) found.set(inside[2], resolve(source, inside[1]));
  }
  return new Map([...found].sort());
}
