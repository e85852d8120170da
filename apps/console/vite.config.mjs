import { defineConfig } from "vite";
import { mockServer } from "./dev/mock_server.mjs";
import { singleFile } from "./dev/single_file.mjs";

// `npm run dev` serves the page with made-up traffic; MILLRACE=http://127.0.0.1:PORT shows a running program's instead.
const program = process.env.MILLRACE;

export default defineConfig({
  plugins: [singleFile(), ...(program ? [] : [mockServer()])],
  server: {
    host: "127.0.0.1",
    ...(program ? { proxy: { "/api": { target: program, changeOrigin: true } } } : {}),
  },
  build: {
    outDir: process.env.CONSOLE_OUT ?? "dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 100_000,
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
});
