// How much a browser loads, in Brotli: what comes before the first screen, each part that comes later, and the viewer. Too much fails.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const KB = 1000;
const FIRST_BYTES_MAX = 200 * KB;
const LATER_BYTES_MAX = 80 * KB;
const VIEWER_BYTES_MAX = 1000 * KB;

const dist = fileURLToPath(new URL("../dist", import.meta.url));
if (!existsSync(join(dist, "index.html"))) {
  console.error("console/dist is not there: script/console build");
  process.exit(1);
}
const assets = join(dist, "assets");
const page = readFileSync(join(dist, "index.html"), "utf8");
const first = together([...page.matchAll(/(?:src|href)="\/console\/assets\/([^"]+)"/g)].map((found) => found[1]));
const later = readdirSync(assets).filter((name) => /\.(js|css)$/.test(name) && !first.has(name));
const viewer = later.filter((name) => /^(Viewer|Workspace)-/.test(name));
const faults = [];

report("before the first screen", [...first], FIRST_BYTES_MAX);
report("viewer", viewer.filter((name) => !/worker/i.test(name)), VIEWER_BYTES_MAX);
for (const name of later) if (!viewer.includes(name) && !/worker|decode|codec/i.test(name)) report(name, [name], LATER_BYTES_MAX);
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);

function report(what, names, bytesMax) {
  const bytes = names.reduce((sum, name) => sum + sizeOf(name), 0);
  console.log(`${what}: ${(bytes / KB).toFixed(1)} of ${bytesMax / KB} kB`);
  if (bytes > bytesMax) faults.push(`${what} is too large`);
}

function sizeOf(name) {
  const packed = join(assets, `${name}.br`);
  return statSync(existsSync(packed) ? packed : join(assets, name)).size;
}

/** These files, and all that they import at once. */
function together(names) {
  const found = new Set();
  const look = (name) => {
    if (found.has(name)) return;
    found.add(name);
    if (!name.endsWith(".js")) return;
    const code = readFileSync(join(assets, name), "utf8");
    for (const [, other] of code.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) look(other);
  };
  names.forEach(look);
  return found;
}
