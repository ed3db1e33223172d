import { defineConfig } from 'vite';
import { onnxruntimeDefine } from './scripts/onnxruntime.ts';

// The page is built to dist/; the subnet node serves it. Vitest has its own file, since it tests every realm.
export default defineConfig({
  root: 'web',
  publicDir: '../public',
  define: onnxruntimeDefine(),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2024',
    manifest: true,
    assetsInlineLimit: 0,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  worker: { format: 'es' },
});
