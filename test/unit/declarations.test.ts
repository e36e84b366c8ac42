/** Steps of `npm run build` that make dist/index.d.ts of the bundled declarations, each on a small bundle. */
import { describe, expect, test } from 'vitest';
import { applyEdits } from '../../scripts/declarations/edits.ts';
import { asFunctions } from '../../scripts/declarations/functions.ts';
import { optionInterfaces } from '../../scripts/declarations/optionInterfaces.ts';
import { consumerProgram } from '../../scripts/declarations/programs.ts';
import { prune } from '../../scripts/declarations/prune.ts';
import { lostComments, sourceComments } from '../../scripts/declarations/sourceComments.ts';
import { splitMethods } from '../../scripts/declarations/splitMethods.ts';
import { undocumentedOptions } from '../../scripts/declarations/undocumented.ts';
import { listedUnions } from '../../scripts/declarations/unionNames.ts';

const checked = (text: string) => consumerProgram('bundle.d.ts', text);

/** A factory as the bundler leaves it: the comment of `rate` came from another file and is lost. */
const bundle = `
interface Option$1<In, Out, N> { readonly given: In; readonly setting: Out; readonly need: N }
interface Declaration<T> { readonly options: T }
type OptionsOf<D> = D extends Declaration<infer T> ? { [N in keyof T]?: T[N] } : never;
declare const table: { readonly relu: 1; readonly tanh: 2; readonly softmax: 3 };
export type Activation = (x: number) => number;
export type ActivationName = keyof typeof table;
declare const denseOptions: Declaration<{
	/** Number of outputs. */
	units: Option$1<number, number, "required">;
	rate: Option$1<number, number, "default">;
	activation: Option$1<"relu" | "tanh" | Activation | "softmax", Activation, "default">;
}>;
export type DenseOptions = OptionsOf<typeof denseOptions>;
declare function dense$1(options: DenseOptions): string;
export declare const layers: {
	dense: typeof dense$1;
	twice: (x: number) => number;
};
export {};
`;
const comments = { 'layers.dense': { units: 'Number of outputs. Must be a positive integer.', rate: 'Share. @default 0.5' } };

const built = ((): string => {
  const { file, checker } = checked(bundle);
  const text = applyEdits(file.text, [...optionInterfaces(file, checker, comments), ...listedUnions(file, checker)]);
  const { file: tables } = checked(text);
  return prune(checked(applyEdits(text, asFunctions(tables))).file);
})();

test('option types become interfaces with the comments of the declarations', () => {
  expect(built).toContain(`/** Options of \`layers.dense\`. */
export interface DenseOptions {
	/** Number of outputs. Must be a positive integer. */
	units?: number;
	/** Share. @default 0.5 */
	rate?: number;
	activation?: ActivationName | Activation;
}`);
});

test('an exported union lists its names', () => {
  expect(built).toContain('export type ActivationName = "relu" | "tanh" | "softmax";');
});

test('tables of functions become namespaces', () => {
  expect(built).toContain(`export declare namespace layers {
	export { dense$1 as dense };
	export function twice(x: number): number;
}`);
});

test('declarations that nothing public needs are removed', () => {
  for (const name of ['denseOptions', 'Declaration', 'Option$1', 'OptionsOf', 'table']) expect(built).not.toContain(name);
  expect(built).toContain('declare function dense$1');
});

test('comments come back from the sources', () => {
  const source = checked(`
    /** Connects all. */
    declare function dense(options: object): string;
    export declare namespace layers { export { dense }; }
    /** Twice. */
    export declare function twice(x: number): number;
    export {};`);
  const bundled = checked(`declare function dense$1(options: object): string;
export declare namespace layers {
	export { dense$1 as dense };
}
/** Kept. */
export declare function twice(x: number): number;
export {};
`);
  const edits = lostComments(bundled.file, bundled.checker, sourceComments(source.file, source.checker));
  expect(applyEdits(bundled.file.text, edits)).toBe(`/** Connects all. */\n${bundled.file.text}`);
});

describe('undocumentedOptions', () => {
  const { file, checker } = checked(`
    export interface DenseOptions {
      /** Number of outputs. */
      units: number;
      rate?: number;
    }
    declare function dense(options?: DenseOptions): string;
    export declare namespace layers { export { dense }; }
    export {};`);
  const missing = (options: Record<string, string[]>) => undocumentedOptions(file, checker, options);

  test.each([
    ['layers.dense', 'units', []],
    ['layers.dense', 'rate', ['layers.dense.rate has no comment']],
    ['layers.dense', 'other', ['layers.dense.other is missing']],
    ['layers.conv', 'units', ['layers.conv is not exported']],
  ])('%s: %s', (factory, option, expected) => expect(missing({ [factory]: [option] })).toEqual(expected));
});

test('a table that a list exports under another name becomes a namespace', () => {
  const { file } = checked('declare const random$1: {\n\tnormal: () => number;\n};\nexport { random$1 as random };\n');
  expect(applyEdits(file.text, asFunctions(file))).toContain('declare namespace random$1 {\n\texport function normal(): number;\n}');
});

test('the methods of tensors are added by the main entry', () => {
  const text = `export interface TensorMethods {\n}\nexport interface Tensor extends TensorMethods {\n}
declare function split$1(x: Tensor): Tensor;\ndeclare const methods: {\n\tsplit: typeof split$1;\n};
interface TensorMethods extends Methods {\n}\ntype Methods = typeof methods;\nexport { split$1 as split };\nexport {};\n`;
  const { lean, main } = splitMethods(text);
  expect(lean).not.toContain('Methods extends');
  expect(lean).toContain('export { split$1 as split }');
  expect(main).toContain("import type { split as split$1 } from './lean.js';\nexport * from './lean.js';");
  expect(main).toContain("declare module './lean.js' {\n\tinterface TensorMethods extends Methods {");
});
