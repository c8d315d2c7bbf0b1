// How the console is built: one page, files with a digest in their name, and beside each the same in Brotli. The program takes what comes
// out (crates/console); nothing is compressed while it serves.
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** Writes `name.br` beside each file that becomes shorter by it. */
function brotli(folder: string): Plugin {
  return {
    name: "brotli",
    apply: "build",
    closeBundle() {
      for (const name of readdirSync(folder)) {
        if (!/\.(js|css|svg|wasm|json|txt)$/.test(name)) continue;
        const bytes = readFileSync(join(folder, name));
        const packed = brotliCompressSync(bytes, {
          params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
        });
        if (packed.length < bytes.length) writeFileSync(join(folder, `${name}.br`), packed);
      }
    },
  };
}

/** What the policy of the page forbids (`style` as an attribute) said as what it allows, in the one place of the viewer's library that does it. */
function stylesByObject(): Plugin {
  const said = "textElement.setAttribute('style', combinedStyle)";
  return {
    name: "styles-by-object",
    transform(code, id) {
      if (!id.includes("@cornerstonejs/tools/dist/esm/drawingSvg/drawTextBox.js")) return null;
      if (!code.includes(said)) this.error("the text of measurements is drawn in another way now: see whether its style keeps to the policy");
      return code.replace(said, "textElement.style.cssText = combinedStyle");
    },
  };
}

export default defineConfig({
  base: "/console/",
  plugins: [react(), tailwindcss(), stylesByObject(), brotli("dist/assets")],
  // A part of the viewer's library asks for two modules of Node; there are packages of the same name for browsers.
  resolve: { alias: { events: "events/", url: "url/" } },
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  worker: { format: "es" },
});
