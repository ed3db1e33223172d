import { defineConfig } from 'vite';
import { onnxruntimeDefine } from '../../../scripts/onnxruntime.ts';

// The runtime as the worker of the page loads it, with a bare document around it.
export default defineConfig({
  root: import.meta.dirname,
  define: onnxruntimeDefine(),
  build: {
    target: 'es2024',
    assetsInlineLimit: 0,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
