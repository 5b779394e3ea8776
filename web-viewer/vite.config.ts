import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Relative, so that the page also works behind a path of a front door.
  base: './',
  build: {
    target: ['es2020', 'safari14'],
    // The page's security policy takes scripts and styles from files only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
