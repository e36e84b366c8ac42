import { readFileSync } from 'node:fs';
import { type Plugin, minifySync } from 'vite';
import { joinModules } from '../src/standalone/joinModules.ts';

const folder = new URL('../src/standalone/runtime/', import.meta.url);

/** The runtime of written modules, minified. */
export function minifiedRuntime(): string {
  const text = joinModules(['inputs', 'device', 'model'].map((name) => readFileSync(new URL(`${name}.js`, folder), 'utf8')));
  return minifySync('runtime.js', text, { module: true }).code;
}

/** Puts the minified runtime into a build. The dev server and the tests join the files unchanged. */
export function shortRuntime(): Plugin {
  return {
    name: 'short-runtime',
    apply: 'build',
    enforce: 'pre',
    load(id) {
      if (!id.endsWith('/src/standalone/runtimeText.ts')) return undefined;
      return `export const runtimeText = ${JSON.stringify(minifiedRuntime())};`;
    },
  };
}
