// Rows of the table: a class whose options are all in its table needs no functions.
import type { Layer } from '../../../nn/index.ts';
import { layers } from '../../../nn/index.ts';
import type { Converter, MadeLayer, ReadContext, WeightRule } from '../converter.ts';
import type { OptionTable } from '../optionKinds.ts';

type LayerName = keyof typeof layers;

/** A factory of the library by its name, for options that the converter made. */
export const factoryOf = (name: LayerName): ((options: Readonly<Record<string, unknown>>) => Layer) =>
  layers[name] as unknown as (options: Readonly<Record<string, unknown>>) => Layer;

/** Weights whose names differ only in their form: `recurrent_kernel` is `recurrentKernel`. */
export const weightsOf = (...names: readonly string[]): readonly WeightRule[] =>
  names.map((name) => ({ name, variable: name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) }));

export const kernelAndBias = weightsOf('kernel', 'bias');

/** A row of the table. */
export function row(
  className: string,
  name: LayerName,
  options: OptionTable = {},
  more: Partial<Omit<Converter, 'make'>> & {
    /** Changes options before the layer is made. */
    readonly refine?: (options: Readonly<Record<string, unknown>>, context: ReadContext) => Readonly<Record<string, unknown>>;
    readonly make?: (options: Readonly<Record<string, unknown>>, context: ReadContext) => MadeLayer;
  } = {},
): Converter {
  const { refine = (given) => given, ...rest } = more;
  return {
    className,
    kind: `layers.${name}`,
    options,
    make: (given, context) => ({ layer: factoryOf(name)(refine(given, context)) }),
    ...rest,
  };
}
