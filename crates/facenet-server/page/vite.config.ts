import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const SERVER = "http://127.0.0.1:8750";

export default defineConfig({
  plugins: [svelte()],
  build: {
    // What is committed should differ only where sources do.
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
  // The server refuses writes from pages of others, which this one is while it is worked on.
  server: { proxy: { "/v1": { target: SERVER, changeOrigin: true, headers: { origin: SERVER } } } },
});
