import { defineConfig } from 'vite';

/* `npm run dev` watches the sources and asks a running server for the data. */
const server = process.env['TIDEMILL_URL'] ?? 'http://127.0.0.1:5000';
const data = ['/api', '/ajax-api', '/serving-endpoints', '/get-artifact', '/version', '/health', '/ready'];

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0, // data: addresses are against the policy
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: Object.fromEntries(data.map((path) => [path, { target: server, changeOrigin: true }])) },
});
