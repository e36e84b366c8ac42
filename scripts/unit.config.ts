import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { sourceAliases } from './sourceAliases.ts';

/** Configuration of the unit tests. It loads no browsers, so that one file starts fast: `npm run test:unit -- layers`. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  // Examples import the package by its name.
  resolve: { alias: sourceAliases },
  test: {
    name: 'unit',
    sequence: { groupOrder: 0 },
    include: ['test/unit/**/*.test.ts'],
    testTimeout: 60_000,
    // Caches transformed modules between runs, by the hash of their text. Importing src then takes a third of the time.
    experimental: { fsModuleCache: true },
  },
});
