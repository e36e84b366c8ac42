// Functions of shaders/ that are not in every program: a module whose kernels call them provides their file. A program that lacks the file
// would get WGSL that does not compile.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(root + path, 'utf8');
const filesIn = (folder: string): string[] =>
  readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name.replaceAll('\\', '/')}`);

/** Files of functions that modules provide. */
const provided = ['trigonometry', 'integers', 'gamma', 'random'];
const fileOf = new Map(
  provided.flatMap((file) => [...read(`shaders/${file}.wgsl`).matchAll(/^fn (\w+)/gm)].map(([, name]): [string, string] => [name, file])),
);

/** Calls of these functions, as `file: function`. */
const callsIn = (text: string): string[] =>
  [...text.replace(/\/\/.*/g, '').matchAll(/\b(\w+)\(/g)].flatMap(([, name]) => (fileOf.has(name) ? [`${fileOf.get(name)}: ${name}`] : []));

/** The texts in a module: those in quotes and templates. */
const quoted = (text: string): string => (text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, '').match(/`[^`]*`|'[^'\n]*'/g) ?? []).join('\n');

/** The calls in texts of a module whose file it does not provide. */
const missingIn = (text: string): string[] =>
  callsIn(quoted(text)).filter((call) => !text.includes(`provideFunctions('${call.split(':')[0]}', `));

const modules = filesIn('src').filter((path) => path.endsWith('.ts'));

test('every module provides the functions that its expressions call', () => {
  const calling = modules.filter((path) => callsIn(quoted(read(path))).length > 0);
  expect(calling).toContain('src/ops/elementwise/trigonometric.ts');
  expect(Object.fromEntries(modules.map((path) => [path, missingIn(read(path))] as const).filter(([, calls]) => calls.length > 0))).toEqual(
    {},
  );
});

test('a module without the file is found', () => {
  expect(missingIn('const expression = ([x]) => `safeTanh(${x})`;')).toEqual(['trigonometry: safeTanh']);
  expect(missingIn("provideFunctions('trigonometry', trigonometrySource);\nconst expression = ([x]) => `safeTanh(${x})`;")).toEqual([]);
});

test('functions that every program has, and kernels, call none of them', () => {
  const others = filesIn('shaders').filter((path) => !provided.some((file) => path === `shaders/${file}.wgsl`));
  expect(others.flatMap((path) => callsIn(read(path)).map((call) => `${path} calls ${call}`))).toEqual([]);
});

test('a file of functions calls only its own', () => {
  for (const file of provided) {
    expect(callsIn(read(`shaders/${file}.wgsl`)).filter((call) => !call.startsWith(`${file}:`))).toEqual([]);
  }
});
