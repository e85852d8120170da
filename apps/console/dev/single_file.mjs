// A Vite plugin: puts the built script and style into the page itself and writes what the program embeds:
//
//   page.html     the whole page, which needs nothing else
//   page.html.gz  the same, compressed
//   page.etag     its entity tag: a hash of its bytes, quoted
//   page.csp      its Content-Security-Policy, which names the one script and the one style by their hashes
//
// The same sources give the same bytes.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

const sha256 = (text, encoding) => createHash("sha256").update(text).digest(encoding);

function policy(script, style) {
  return [
    "default-src 'none'",
    `script-src 'sha256-${sha256(script, "base64")}'`,
    `style-src 'sha256-${sha256(style, "base64")}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export function singleFile() {
  return {
    name: "single-file",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      const outputs = Object.values(bundle);
      const script = outputs.filter((o) => o.type === "chunk").map((o) => o.code.trim()).join("\n");
      const style = outputs.filter((o) => o.fileName.endsWith(".css")).map((o) => String(o.source).trim()).join("\n");
      // What would end the element early would also make the hashes wrong.
      if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) this.error("the script or style has a closing tag in it");

      const html = String(outputs.find((o) => o.fileName === "index.html").source)
        .replace(/\s*<link rel="stylesheet"[^>]*>/g, "")
        .replace(/\s*<script type="module"[^>]*><\/script>/g, "")
        .replace("</head>", () => `  <style>${style}</style>\n  </head>`)
        .replace("</body>", () => `  <script type="module">${script}</script>\n  </body>`);
      const bytes = Buffer.from(html);

      for (const name of Object.keys(bundle)) delete bundle[name];
      const emit = (fileName, source) => this.emitFile({ type: "asset", fileName, source });
      emit("page.html", bytes);
      emit("page.html.gz", gzipSync(bytes, { level: 9 }));
      emit("page.etag", `"${sha256(bytes, "hex").slice(0, 24)}"`);
      emit("page.csp", policy(script, style));
    },
  };
}
