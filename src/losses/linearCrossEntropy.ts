// The last product of a model and its cross-entropy in one. The logits of all classes are never stored.
import { customGradient, readAfter } from '../autodiff/index.ts';
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { integer, number, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  cast,
  concat,
  equal,
  exp,
  expandDims,
  greaterEqual,
  less,
  logSumExp,
  logicalAnd,
  matmul,
  mul,
  notEqual,
  reshape,
  stack,
  sub,
  sum,
  transpose,
  where,
} from '../ops/index.ts';
import { iota } from '../ops/create/create.ts';
import { sliceAxis } from '../ops/shape/slice.ts';
import { alignClasses } from './align.ts';
import { type Loss, lossOptions, makeLoss } from './loss.ts';

export const linearCrossEntropyOptions = declareOptions('losses.linearCrossEntropy', {
  /** Number of classes whose logits exist at once. By default the logits of a chunk have about 4 million elements. */
  chunkSize: optional(positiveInteger),
  /** Fraction of the uniform distribution that is mixed into the targets, from 0 to 1. @default 0 */
  labelSmoothing: optional(number('0 to 1'), 0),
  /** Samples of this class (for example -1) are ignored. The mean is over the other samples. */
  ignoreClass: optional(integer()),
  ...lossOptions,
});
export type LinearCrossEntropyOptions = OptionsOf<typeof linearCrossEntropyOptions>;

const name = 'linearCrossEntropy';

/** Elements of the logits of a chunk: 16 MiB in f32. */
const chunkElements = 2 ** 22;
/** Fewer classes in a chunk would make products that do not use the device well. */
const fewestClasses = 256;

/** A product x kernel + bias: x [samples, features], kernel [features, classes], bias [classes]. */
interface Product {
  readonly x: Tensor;
  readonly kernel: Tensor;
  readonly bias: Tensor | undefined;
}

/** The tensor that casts, and reshapes which keep the last axis, were made of. */
function bare(tensor: Tensor): Tensor {
  const { node } = tensor;
  const keepsClasses = node?.op.name === 'reshape' && node.inputs[0].shape.at(-1) === tensor.shape.at(-1);
  return node?.op.name === 'cast' || node?.op.name === 'alias' || keepsClasses ? bare(node.inputs[0]) : tensor;
}

/** The bias that a tensor [..., classes] was broadcast from. */
function biasOf(tensor: Tensor, classes: number): Tensor | undefined {
  const { node } = tensor;
  if (tensor.size === classes) return reshape(tensor, [classes]);
  return node?.op.name === 'broadcastTo' || node?.op.name === 'reshape' ? biasOf(node.inputs[0], classes) : undefined;
}

/**
 * The product that logits are made of. Nothing computes the logits themselves if nothing else reads them.
 * @throws ArgumentError if they are not the result of a product.
 */
function productOf(logits: Tensor): Product {
  const classes = logits.shape.at(-1) ?? 0;
  const top = bare(logits);
  const terms = top.node?.op.name === 'add' ? top.node.inputs : [top];
  const [first, second] = bare(terms[0]).node?.op.name === 'matmul' ? terms : [...terms].reverse();
  const product = bare(first);
  const bias = second && biasOf(second, classes);
  const { node } = product;
  if (node?.op.name === 'matmul' && node.inputs[1].rank === 2 && product.shape.at(-1) === classes && (!second || bias)) {
    const [x, kernel] = node.inputs;
    return { x: reshape(x, [x.size / x.shape[x.rank - 1], x.shape[x.rank - 1]]), kernel, bias };
  }
  throw new ArgumentError(
    `losses.${name}: predictions ${formatShape(logits.shape)} are the result of '${top.node?.op.name ?? 'data'}'; they must be a product ` +
      'with a kernel [features, classes], with or without a bias: end the model with layers.dense and no activation, or use losses.sparseCategoricalCrossentropy',
  );
}

/** Cross-entropy of each sample [samples], in chunks of the classes. `targets` are i32 [samples]. */
function inChunks({ x, kernel, bias }: Product, targets: Tensor, smoothing: number, chunkSize: number): Tensor {
  const classes = kernel.shape[1];
  const starts = Array.from({ length: Math.ceil(classes / chunkSize) }, (_, i) => i * chunkSize);
  const column = expandDims(targets, -1);
  const isKnown = logicalAnd(greaterEqual(targets, 0), less(targets, classes));
  /** Logits of a chunk in f32, and which of them are the targets'. The chunk waits for the gates, so that chunks do not exist at once. */
  const chunk = (from: number, [values, weights, offsets]: readonly Tensor[], gates: readonly Tensor[]) => {
    const size = Math.min(chunkSize, classes - from);
    const part = sliceAxis(weights, 1, from, size);
    const product = cast(matmul(readAfter(values, gates), part), 'f32');
    const logits = bias ? add(product, sliceAxis(cast(offsets, 'f32'), 0, from, size)) : product;
    const isTarget = equal(sub(column, from), reshape(iota(size), [1, size]));
    return { logits, isTarget, part };
  };
  const perSample = customGradient((...args: Tensor[]) => {
    let gates: readonly Tensor[] = [];
    const parts = starts.map((from) => {
      const { logits, isTarget } = chunk(from, args, gates);
      const made = {
        logSum: logSumExp(logits, { axis: -1 }),
        ofTarget: sum(where(isTarget, logits, 0), { axis: -1 }),
        total: smoothing ? sum(logits, { axis: -1 }) : undefined,
      };
      gates = [made.logSum, made.ofTarget];
      return made;
    });
    const added = (of: (part: (typeof parts)[number]) => Tensor): Tensor => parts.map(of).reduce((a, b) => add(a, b));
    const logSum = logSumExp(stack(parts.map((part) => part.logSum), -1), { axis: -1 }); // prettier-ignore
    const ofTarget = added((part) => part.ofTarget);
    const value = smoothing
      ? sub(sub(logSum, mul(ofTarget, 1 - smoothing)), mul(added((part) => part.total!), smoothing / classes)) // prettier-ignore
      : sub(logSum, ofTarget);
    const gradient = (cotangent: Tensor): (Tensor | undefined)[] => {
      const scale = expandDims(where(isKnown, cotangent, 0), -1);
      let ready: readonly Tensor[] = [cotangent];
      let ofX: Tensor | undefined;
      const ofKernel: Tensor[] = [];
      const ofBias: Tensor[] = [];
      for (const from of starts) {
        const { logits, isTarget, part } = chunk(from, args, ready);
        const probabilities = exp(sub(logits, expandDims(logSum, -1)));
        const wanted = smoothing ? add(where(isTarget, 1 - smoothing, 0), smoothing / classes) : where(isTarget, 1, 0);
        const slope = mul(sub(probabilities, wanted), scale);
        const narrow = cast(slope, x.dtype);
        const partOfX = matmul(narrow, transpose(part));
        ofX = ofX ? add(ofX, partOfX) : partOfX;
        ofKernel.push(matmul(transpose(args[0]), narrow));
        if (bias) ofBias.push(cast(sum(slope, { axis: 0 }), bias.dtype));
        ready = [ofX, ofKernel[ofKernel.length - 1]];
      }
      return [ofX, joined(ofKernel, 1), ...(bias ? [joined(ofBias, 0)] : [])];
    };
    return { value: where(isKnown, value, 0), gradient };
  });
  return perSample(x, kernel, ...(bias ? [bias] : []));
}

const joined = (parts: readonly Tensor[], axis: number): Tensor => (parts.length === 1 ? parts[0] : concat([...parts], axis));

/**
 * Sparse categorical cross-entropy of logits that a product makes, -log p[target] with p = softmax(x kernel + bias), without storing the logits.
 *
 * Targets are class indices [n, ...]; predictions are the logits [n, ..., classes], straight from a dense layer without activation, or from matmul.
 * The loss finds the product and computes it again, in chunks of the classes: forward, and once more for the gradient. A model with 50,257 classes then
 * needs no buffer of samples times classes. A metric that reads the logits stores them. An index outside 0..classes-1 gives the loss 0. Values and
 * gradients are those of sparseCategoricalCrossentropy with fromLogits. Wijmans et al., Cut Your Losses in Large-Vocabulary Language Models, 2024.
 *
 *     const model = sequential([embedding, block, layers.dense({ units: 50257 })]);
 *     model.compile({ optimizer: 'adam', loss: losses.linearCrossEntropy() });
 *
 * @throws ArgumentError if the predictions are not a product, ShapeError if the targets do not fit.
 */
export function linearCrossEntropy(options: LinearCrossEntropyOptions = {}): Configured<Loss> {
  const settings = linearCrossEntropyOptions.read(options);
  const { labelSmoothing, ignoreClass } = settings;
  return makeLoss(linearCrossEntropyOptions, settings, {
    targetKind: 'classIndex',
    ignoreClass,
    masksItself: true,
    terms(targets, predictions, weight) {
      const indices = alignClasses(name, targets, predictions).targets;
      const product = productOf(predictions);
      const samples = product.x.shape[0];
      const chunkSize = settings.chunkSize ?? Math.max(fewestClasses, Math.floor(chunkElements / Math.max(1, samples)));
      // Samples of weight 0 may hold NaN: it must not reach the gradient of the kernel.
      const x = weight ? where(reshape(notEqual(weight, 0), [samples, 1]), product.x, 0) : product.x;
      const terms = inChunks({ ...product, x }, reshape(indices, [samples]), labelSmoothing, chunkSize);
      return { terms: reshape(terms, indices.shape) };
    },
    ...(ignoreClass !== undefined && {
      valid: (targets: Tensor, predictions: Tensor) => notEqual(alignClasses(name, targets, predictions).targets, ignoreClass),
    }),
  });
}
