// A dense layer whose product is an Einstein sum.
import type { Configured } from '../../../core/config.ts';
import { ArgumentError, ShapeError } from '../../../core/errors.ts';
import { type Kind, kindOf, positiveInteger, text } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import type { Shape } from '../../../core/shape.ts';
import { add, einsum } from '../../../ops/index.ts';
import { activationKind } from '../../activationKind.ts';
import { linear } from '../../activations.ts';
import { defineLayer } from '../../defineLayer.ts';
import { initializerKind } from '../../initializers.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { loraFactoryOptions } from '../../loraOptions.ts';
import { quantizationFactoryOptions } from '../../quantizationOptions.ts';
import { kernelAndBiasOptions, parameterRules } from '../../parameterOptions.ts';
import { formatBatch } from '../../spec.ts';

/** Sizes of the output without the batch axis; null follows from the input. */
export type EinsumOutputShape = number | readonly (number | null)[];

const isSize = (value: unknown): boolean => value === null || positiveInteger.accepts(value);

const outputShapeKind: Kind<EinsumOutputShape, readonly (number | null)[]> = /* @__PURE__ */ kindOf<
  EinsumOutputShape,
  readonly (number | null)[]
>({
  rule: 'a positive integer, or a list of positive integers and null',
  accepts: (value): value is EinsumOutputShape =>
    positiveInteger.accepts(value) || (Array.isArray(value) && Array.from<unknown>(value).every(isSize)),
  convert: (value) => Object.freeze(typeof value === 'number' ? [value] : [...value]),
});

export const einsumDenseOptions = declareOptions(
  'layers.einsumDense',
  {
    /** Einstein sum of input and kernel, with the batch axis first: 'abc,cd->abd'. '...' may take the place of leading axes. */
    equation: required(text, 'ab,bc->ac'),
    /** Sizes of the output, without the batch axis and the axes of '...'; null for a size that is that of the input. */
    outputShape: required(outputShapeKind, 64),
    /** Letters of the output that the bias has. Without them there is no bias. */
    biasAxes: optional(text),
    /** Function of the outputs, by its name or as a function. @default 'linear' */
    activation: optional(activationKind({ linear }), 'linear'),
    /** First values of the kernel. @default 'glorotUniform' */
    kernelInitializer: optional(initializerKind, 'glorotUniform'),
    /** First values of the bias. @default 'zeros' */
    biasInitializer: optional(initializerKind, 'zeros'),
    ...loraFactoryOptions,
    ...quantizationFactoryOptions,
    ...kernelAndBiasOptions,
    ...layerOptions,
  },
  ({ equation, outputShape, biasAxes }, where) => {
    const parts = partsOf(equation);
    if (!parts) {
      throw new ArgumentError(
        `${where}: equation is '${equation}'; it must be like 'abc,cd->abd', with letters and at most one '...' at the start of input and output`,
      );
    }
    const expected = [...parts.output].length - (parts.hasEllipsis ? 0 : 1);
    if (outputShape.length !== expected) {
      throw new ArgumentError(
        `${where}: outputShape has ${outputShape.length} sizes, but '${equation}' needs ${expected} after the batch axis`,
      );
    }
    const odd = [...(biasAxes ?? '')].find((letter) => !parts.output.includes(letter));
    if (odd) throw new ArgumentError(`${where}: biasAxes has '${odd}', which the output of '${equation}' does not have`);
  },
);
export type EinsumDenseOptions = OptionsOf<typeof einsumDenseOptions>;

interface Parts {
  readonly input: string;
  readonly kernel: string;
  readonly output: string;
  readonly hasEllipsis: boolean;
}

/** The letters of an equation; undefined if it is none. */
function partsOf(equation: string): Parts | undefined {
  const found = /^(\.\.\.)?([A-Za-z]+),([A-Za-z]+)->(\.\.\.)?([A-Za-z]+)$/.exec(equation.replaceAll(' ', ''));
  if (!found || (found[1] === undefined) !== (found[4] === undefined)) return undefined;
  return { input: found[2], kernel: found[3], output: found[5], hasEllipsis: found[1] !== undefined };
}

const unused = 'zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA';

/**
 * y = activation(einsum(equation, x, kernel) + bias): dense layers over several axes, as Keras's EinsumDense.
 *
 * Throws a ShapeError for inputs that do not fit the equation.
 *
 * Input and output as the equation says, such as [batch, …, d] to [batch, …, units].
 *
 *     layers.einsumDense({ equation: 'abc,cde->abde', outputShape: [null, 8, 64], biasAxes: 'de' })   // heads of an attention
 */
export function einsumDense(options: EinsumDenseOptions): Configured<Layer> {
  const settings = einsumDenseOptions.read(options);
  const { equation, outputShape, biasAxes, activation, kernelInitializer, biasInitializer } = settings;
  const { input, kernel, output, hasEllipsis } = partsOf(equation)!;
  /** Sizes of letters for a sample, and the sizes that '...' takes, without the batch axis. */
  const resolve = (shape: Shape, where: string): { sizes: Map<string, number>; leading: Shape; isBatched: boolean } => {
    const fail = (rule: string): never => {
      throw new ShapeError(`${where}: inputs ${formatBatch(shape)} do not fit the equation '${equation}': ${rule}`);
    };
    const own = hasEllipsis ? input.length : input.length - 1;
    if (hasEllipsis ? shape.length < own : shape.length !== own) fail(`it takes ${own} axes after the batch axis`);
    const leading = shape.slice(0, shape.length - own);
    const sizes = new Map<string, number>();
    [...input].slice(hasEllipsis ? 0 : 1).forEach((letter, i) => sizes.set(letter, shape[leading.length + i]));
    [...output].slice(hasEllipsis ? 0 : 1).forEach((letter, i) => {
      const [given, known] = [outputShape[i], sizes.get(letter)];
      if (given === null && known === undefined) fail(`the size of '${letter}' is neither in the input nor in outputShape`);
      if (given !== null && known !== undefined && given !== known)
        fail(`'${letter}' is ${known} in the input and ${given} in outputShape`);
      sizes.set(letter, given ?? known!);
    });
    const open = [...kernel].find((letter) => !sizes.has(letter));
    if (open) fail(`the size of '${open}' is not known`);
    return { sizes, leading, isBatched: !hasEllipsis };
  };
  const biasShape = (sizes: ReadonlyMap<string, number>): number[] => {
    const letters = [...output];
    const first = letters.findIndex((letter) => biasAxes!.includes(letter));
    return letters.slice(first).map((letter) => (biasAxes!.includes(letter) ? sizes.get(letter)! : 1));
  };
  const layer = defineLayer({
    kind: 'einsumDense',
    options: settings,
    ...parameterRules(settings),
    lora: { kernel: -1 },
    quantize: { kernel: [...kernel].flatMap((letter, axis) => (output.includes(letter) ? [] : [axis])) },
    outputShape: (shape, where) => {
      const { sizes, leading, isBatched } = resolve(shape, where);
      return [...leading, ...[...output].slice(isBatched ? 1 : 0).map((letter) => sizes.get(letter)!)];
    },
    build: (shape, random) => {
      const { sizes } = resolve(shape, settings.name ?? 'einsumDense');
      return {
        parameters: {
          kernel: kernelInitializer([...kernel].map((letter) => sizes.get(letter)!), random), // prettier-ignore
          ...(biasAxes !== undefined && { bias: biasInitializer(biasShape(sizes), random) }),
        },
      };
    },
    apply: ({ parameters: { kernel: weights, bias } }, x) => {
      // The op takes letters: '...' becomes letters that the equation does not use.
      const free = [...unused].filter((letter) => !(input + kernel + output).includes(letter));
      const front = hasEllipsis ? free.slice(0, x.rank - input.length).join('') : '';
      const y = einsum(`${front}${input},${kernel}->${front}${output}`, x, weights);
      return activation(bias ? add(y, bias) : y);
    },
  });
  return withLayerConfig(layer, einsumDenseOptions, settings);
}
