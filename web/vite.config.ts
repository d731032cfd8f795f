// How the studio is built: one folder `dist/` that the node embeds, with hashed file names under assets/.
// In development `/v1` is forwarded to the fake server (dev/server.mjs) or to a real node (RAYSWARM_API).
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const api = process.env.RAYSWARM_API ?? 'http://127.0.0.1:3900';

export default defineConfig({
  base: './',
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { port: 5173, proxy: { '/v1': api } },
  build: { target: 'es2022', sourcemap: false, assetsInlineLimit: 2048, reportCompressedSize: false },
});
