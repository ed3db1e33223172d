import { defineConfig } from 'vite';

// The gallery is built apart from the page, so that no fixture gets into it.
export default defineConfig({
  root: import.meta.dirname,
  publicDir: '../../public',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { target: 'es2024', assetsInlineLimit: 0 },
});
