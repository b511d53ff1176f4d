import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// @ts-expect-error a script without types
import { docs } from './scripts/docs.mjs';

export default defineConfig({
  plugins: [react(), docs()],
  build: {
    outDir: '../src/segue/web/static',
    emptyOutDir: true,
    manifest: true,
    // Nothing is inlined, because the server's policy lets no data: scripts or styles in.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
  test: { include: ['tests/**/*.test.ts'] },
});
