import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The unit tests. A configuration of their own, so that one file starts without loading browsers: `npm run test:unit -- layers`. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    name: 'unit',
    sequence: { groupOrder: 0 },
    include: ['test/unit/**/*.test.ts'],
    testTimeout: 60_000,
    // Keeps transformed modules between runs, by the hash of their text: importing src takes a third of the time.
    experimental: { fsModuleCache: true },
  },
});
