// Tests that name a factory: found in the test files and in the golden tables, not written by hand.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

interface TestText {
  /** Path from the folder of tests. */
  readonly file: string;
  readonly text: string;
}

/** Files that go through all factories, or list names, and prove nothing about one. */
const general = /^(tables\/parity|unit\/parity|unit\/factories|unit\/familyDocuments|support\/(provenBy|declarations|factoryDocs))\b/;

const texts: readonly TestText[] = ['unit', 'gpu', 'node', 'support', 'tables', 'e2e']
  .flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
  )
  .filter((file) => file.endsWith('.ts') && !general.test(file))
  .sort()
  .map((file) => ({ file, text: readFileSync(root + file, 'utf8') }));

/** Golden tables of each family, by the beginnings of their names. */
const goldenNames: Readonly<Record<string, RegExp>> = {
  losses: /^loss/,
  metrics: /^metric/,
  optimizers: /^(optimizers|trajectories)/,
  schedules: /^schedules/,
  layers: /^(layers|recurrentLayers|augmentations|images|limits)/,
};

const golden: readonly TestText[] = readdirSync(`${root}golden`)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => ({ file: name, text: readFileSync(`${root}golden/${name}`, 'utf8') }));

/**
 * Tests of a factory such as `losses.huber`: golden tables with its name first, then test files that write `losses.huber`, or its quoted name
 * beside its family. `isFamily` excludes names that are shared with another family.
 */
export function provenBy(factory: string): string[] {
  const [family, name] = factory.split('.');
  const inGolden = golden
    .filter(({ file, text }) => goldenNames[family]?.test(file) && text.includes(`"${name}"`))
    .map(({ file }) => `golden/${file}`);
  const called = new RegExp(`\\b${family}\\.${name}\\b`);
  const quoted = new RegExp(`['"\`]${name}['"\`]`);
  const isTable = new RegExp(`\\b${family}\\b`);
  const direct = texts.filter(({ text }) => called.test(text));
  const byName = texts.filter(({ file, text }) => !direct.some((one) => one.file === file) && isTable.test(text) && quoted.test(text));
  return [...inGolden, ...direct.map(({ file }) => file), ...byName.map(({ file }) => file)];
}

/** Test files that call a function, or golden tables of ops that have it. */
export const calledIn = (name: string): string[] => [
  ...golden.filter(({ text }) => text.includes(`"${name}"`)).map(({ file }) => `golden/${file}`),
  ...texts.filter(({ text }) => new RegExp(`\\b${name}\\(|['"\`]${name}['"\` ]`).test(text)).map(({ file }) => file),
];
