// Generation of tokens: a causal model gives the logits of the next token, which is chosen and appended, step after step.
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { boolean, checkedLater, integer, number, positiveInteger, seed as seedKind } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { RandomStream, globalStream } from '../core/random.ts';
import { shown } from '../core/shown.ts';
import { type CompiledFunction, compile } from '../engine/index.ts';
import { Tensor, hostTensor, refuseValues } from '../graph/tensor.ts';
import { withTrace } from '../graph/trace.ts';
import { StepDecoding, type Kept, NetworkPass, TensorSpec, canDecode, formatBatches, shapesOf } from '../nn/index.ts';
import { iota } from '../ops/create/create.ts';
import { add, cast, equal, expandDims, gather, logicalOr, maximum, mul, reshape, slice, sub, takeAlongAxis, where } from '../ops/index.ts';
import { type ModelCore, builtWeights, exclusive, prepareSteps, release } from './core.ts';
import { type GenerateInputs, type OtherInputs, openInputs } from './generateInputs.ts';
import { arraysIn } from './inputs.ts';
import type { Model } from './model.ts';
import { nextToken } from './sampling.ts';
import type { Weights } from './steps.ts';

/** Ids of one sequence, or of several. A tensor is [time] or [batch, time]; the lengths of lists may differ. */
export type Prompt = Tensor | readonly number[] | readonly (readonly number[])[];

export const generateOptions = declareOptions(
  'generate',
  {
    /** Number of tokens that are appended to each prompt. @default 20 */
    maxNewTokens: optional(positiveInteger, 20),
    /** Divides the logits before a draw. 0 always takes the largest logit. @default 1 */
    temperature: optional(number('at least 0'), 1),
    /** Draws among the k largest logits only. All of them if absent. */
    topK: optional(positiveInteger),
    /** Draws among the largest probabilities whose sum reaches it, above 0 and at most 1. All of them if absent. */
    topP: optional(number('above 0')),
    /** Fixes the draws. The numbers of setSeed() if absent. */
    seed: optional(seedKind),
    /** A sequence ends after this token. */
    stopToken: optional(integer('at least 0')),
    /** Fills the places after the end of a sequence. @default 0 */
    padToken: optional(integer('at least 0'), 0),
    /**
     * Other inputs of the model by name, such as the source of a translation: arrays [batch, …] with one sample for each prompt. The prompt is the input
     * that is left out. Inputs of a list without names are input_1, input_2.
     */
    inputs: optional(checkedLater<OtherInputs>('a record of arrays by the name of the input')),
    /**
     * Keeps keys and values of earlier steps, if each layer can, and everything that is computed from the other inputs. False computes all of it for
     * each token. @default true
     */
    useCache: optional(boolean, true),
  },
  ({ topP }, where) => {
    if (topP === undefined || topP <= 1) return;
    throw new ArgumentError(`${where}: topP is ${topP}; it must be above 0 and at most 1`);
  },
);
export type GenerateOptions = OptionsOf<typeof generateOptions>;

/** State of the sequences during generation. */
interface Sequences {
  /** i32 [batch, places]. */
  readonly tokens: Tensor;
  /** Number of tokens of each sequence, i32 [batch]. */
  readonly lengths: Tensor;
  /** Whether a sequence has reached the stop token, bool [batch]. */
  readonly ended: Tensor;
  /** Keys and values of attention layers. */
  readonly caches?: readonly Tensor[];
}

/** Tensors that are the same for all steps. */
interface Memory {
  /** Inputs of the model other than the tokens. */
  readonly inputs: readonly Tensor[];
  /** Values that are computed from them in the pass over the prompt. */
  readonly kept: readonly Kept[];
}

/** Numbers of a call. They are scalars of the program. */
interface Numbers {
  readonly temperature: number | Tensor;
  readonly topP?: number | Tensor;
  readonly stopToken?: number | Tensor;
  readonly padToken: number | Tensor;
}

type Step = (
  weights: Weights,
  sequences: Sequences,
  key: Tensor,
  numbers: Numbers,
  memory: Memory,
) => { readonly sequences: Sequences; readonly kept?: readonly Kept[] };

/** Number of steps between two checks of whether all sequences have ended. */
const askEvery = 16;

/**
 * Appends tokens to prompts by a causal model: ids [batch, time] -> logits [batch, time, classes]. Other inputs of the model, such as the source of a
 * translation, are given by name.
 *
 * Each step takes the logits at the last token of each sequence, divides them by the temperature, filters them by topK and then topP, and draws
 * the next token. Temperature 0 takes the largest logit. All steps run one program, and with a cache another one for
 * the prompt. A sequence that is longer than the inputs that the model
 * was made for is seen by its last steps. Padding follows each sequence, so a causal model does not see it.
 * With a cache, the parts of the model that do not depend on the tokens run once.
 *
 * Resolves to i32 [batch, longest prompt + maxNewTokens], or [time] for one prompt [time]: prompt, new tokens, then padToken.
 * @throws ShapeError if the outputs of the model are no logits of steps, ArgumentError for a prompt without tokens or with unknown ids.
 *
 *     const ids = await generate(model, [[5, 9, 2]], { maxNewTokens: 50, temperature: 0.8, topK: 40, seed: 1 });
 *     const translated = await generate(translator, [[start]], { inputs: { source }, temperature: 0, stopToken: end });
 */
export function generate(model: Model, prompt: Prompt, options: GenerateOptions = {}): Promise<Tensor> {
  const given = [...(prompt instanceof Tensor ? [prompt] : []), ...arraysIn((options as GenerateOptions | undefined)?.inputs)];
  return refuseValues('generate()', given) ?? generateTokens(model, prompt, options);
}

async function generateTokens(model: Model, prompt: Prompt, options: GenerateOptions): Promise<Tensor> {
  const settings = generateOptions.read(options);
  const { maxNewTokens, temperature, topK, topP, stopToken, padToken } = settings;
  const core = (model as Partial<Model> | undefined)?.core;
  if (!core) throw new ArgumentError(`generate: model is ${shown(model)}; pass a model of sequential() or createModel()`);
  builtWeights(core, 'generate');
  const { rows, isSingle } = await readPrompt(prompt);
  const longest = Math.max(...rows.map((row) => row.length));
  const total = longest + maxNewTokens;
  const inputs = await openInputs(core, settings.inputs, rows.length);
  const { window, classes, dtype } = logitsOf(core, inputs, total);
  checkIds(rows, classes, { stopToken, padToken });
  const places = Math.max(total, window);
  const steps = await prepareSteps(core);
  const form = { window, isGreedy: temperature === 0, topK, dtype, inputs };
  const useCache = settings.useCache && total <= window && canDecode(core.network.root, inputs.form(true, inputs.others.map(() => false))); // prettier-ignore
  // Prompts of similar lengths share a program.
  const width = Math.min(places, Math.ceil(longest / 16) * 16);
  const first = stepOf(core, useCache ? { ...form, prompt: width } : form, steps.engine);
  const later = stepOf(core, useCache ? { ...form, prompt: 0 } : form, steps.engine);
  const stream = settings.seed === undefined ? new RandomStream(globalStream().nextKey()) : RandomStream.fromSeed(settings.seed);
  const numbers: Numbers = {
    temperature: temperature || 1,
    padToken,
    ...(topP !== undefined && topP < 1 && { topP }),
    ...(stopToken !== undefined && { stopToken }),
  };
  let sequences = firstSequences(rows, places, padToken);
  let memory: Memory = { inputs: inputs.others, kept: [] };
  for (let i = 0; i < maxNewTokens; i++) {
    const key = hostTensor({ shape: [2], dtype: 'u32' }, Uint32Array.from(stream.nextKey()));
    const [current, still] = [sequences, memory];
    const result = await exclusive(core, () => (i === 0 ? first : later)(core.weights!, current, key, numbers, still));
    sequences = result.sequences;
    if (result.kept) memory = { ...memory, kept: result.kept };
    if (stopToken === undefined || i % askEvery !== askEvery - 1) continue;
    if ((await sequences.ended.data()).every(Boolean)) break;
  }
  const data = (await sequences.tokens.data()) as Int32Array;
  release([sequences, memory.kept]);
  const kept = rows.map((_, i) => data.subarray(i * places, i * places + total));
  const ids = Int32Array.from(kept.flatMap((row) => Array.from(row)));
  return hostTensor({ shape: isSingle ? [total] : [rows.length, total], dtype: 'i32' }, ids);
}

function firstSequences(rows: readonly (readonly number[])[], places: number, padToken: number): Sequences {
  const tokens = new Int32Array(rows.length * places).fill(padToken);
  rows.forEach((row, i) => tokens.set(row, i * places));
  return {
    tokens: hostTensor({ shape: [rows.length, places], dtype: 'i32' }, tokens),
    lengths: hostTensor(
      { shape: [rows.length], dtype: 'i32' },
      Int32Array.from(rows, (row) => row.length),
    ),
    ended: hostTensor({ shape: [rows.length], dtype: 'bool' }, new Uint8Array(rows.length)),
  };
}

async function readPrompt(prompt: Prompt): Promise<{ rows: readonly (readonly number[])[]; isSingle: boolean }> {
  const values: unknown = prompt instanceof Tensor ? await prompt.array() : prompt;
  const list = Array.isArray(values) ? (values as readonly unknown[]) : [];
  const isSingle = list.length > 0 && !Array.isArray(list[0]);
  const rows = (isSingle ? [list] : list) as readonly (readonly number[])[];
  if (rows.length > 0 && rows.every((row) => Array.isArray(row) && row.length > 0)) return { rows, isSingle };
  throw new ArgumentError(
    `generate: prompt is ${prompt instanceof Tensor ? prompt.toString() : shown(prompt)}; ` +
      'it must be ids [time] or [batch, time] with one token or more in each sequence',
  );
}

function checkIds(rows: readonly (readonly number[])[], classes: number, options: Readonly<Record<string, number | undefined>>): void {
  rows.forEach((row, i) => {
    const wrong = row.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= classes);
    if (wrong < 0) return;
    throw new ArgumentError(
      `generate: token ${wrong} of prompt ${i} is ${shown(row[wrong])}; the model has ids from 0 to ${classes - 1}, as whole numbers`,
    );
  });
  for (const [name, id] of Object.entries(options)) {
    if (id === undefined || id < classes) continue;
    throw new ArgumentError(`generate: ${name} is ${id}; the model has ids from 0 to ${classes - 1}`);
  }
}

/** Length of the inputs, and the number of classes. @throws ShapeError unless the model gives logits [batch, time, classes]. */
function logitsOf(core: ModelCore, inputs: GenerateInputs, total: number): { window: number; classes: number; dtype: 'f32' | 'i32' } {
  const { prompt } = inputs;
  const dtype = prompt?.dtype === 'f32' || prompt?.dtype === 'i32' ? prompt.dtype : core.network.inputDtype;
  const window = prompt?.shape[0] ?? total;
  const outputs = core.network.outputSpecs(inputs.form(new TensorSpec([window], dtype), inputs.specs));
  if (outputs instanceof TensorSpec && outputs.shape.length === 2 && outputs.shape[0] === window) {
    return { window, classes: outputs.shape[1], dtype };
  }
  throw new ShapeError(
    `generate: the model gives ${formatBatches(shapesOf(outputs))} for ids [batch,${window}]; it must give logits [batch,${window},classes]`,
  );
}

interface StepForm {
  readonly window: number;
  readonly isGreedy: boolean;
  readonly topK: number | undefined;
  readonly dtype: 'f32' | 'i32';
  readonly inputs: GenerateInputs;
  /** With a cache: the number of steps of the prompt, and 0 for the steps after it. */
  readonly prompt?: number;
}

type Engine = Awaited<ReturnType<typeof prepareSteps>>['engine'];

const compiledSteps = /* @__PURE__ */ new WeakMap<Engine, WeakMap<ModelCore, Map<string, CompiledFunction<Step>>>>();

/** The compiled step of a model. Later calls of generate() reuse its program. */
function stepOf(core: ModelCore, form: StepForm, engine: Engine): CompiledFunction<Step> {
  const ofEngine = compiledSteps.get(engine) ?? new WeakMap<ModelCore, Map<string, CompiledFunction<Step>>>();
  compiledSteps.set(engine, ofEngine);
  const ofModel = ofEngine.get(core) ?? new Map<string, CompiledFunction<Step>>();
  ofEngine.set(core, ofModel);
  const name = JSON.stringify([core.network.version(), { ...form, inputs: form.inputs.name }]);
  const step =
    ofModel.get(name) ??
    compile(form.prompt === undefined ? makeStep(core, form) : makeCachedStep(core, form), { donate: [1], engine, name: 'generateStep' });
  ofModel.set(name, step);
  return step;
}

/** One token more for each sequence, by a pass over the whole window. */
const makeStep =
  ({ network }: ModelCore, { window, isGreedy, topK, dtype, inputs }: StepForm): Step =>
  (weights, sequences, key, numbers, memory) => {
    const { tokens, lengths } = sequences;
    const [batch, places] = tokens.shape;
    const start = maximum(sub(lengths, window), 0);
    const ids =
      places === window ? tokens : takeAlongAxis(tokens, add(expandDims(start, 1), reshape(iota(window), [1, window])), { axis: 1 });
    const x = inputs.form(cast(ids, dtype), memory.inputs);
    const logits = new NetworkPass(network, weights).run(x, false).outputs as Tensor;
    const classes = logits.shape[2];
    const last = add(mul(iota(batch), window), sub(sub(lengths, start), 1));
    const ofLast = cast(gather(reshape(logits, [batch * window, classes]), last), 'f32');
    return { sequences: append(sequences, chosen(ofLast, isGreedy, topK, key, numbers), numbers) };
  };

/** One token more for each sequence, by a pass over the prompt or over the last token. */
const makeCachedStep =
  ({ network }: ModelCore, { isGreedy, topK, dtype, inputs, prompt }: StepForm): Step =>
  (weights, sequences, key, numbers, memory) => {
    const { tokens, lengths, caches = [] } = sequences;
    const [batch, places] = tokens.shape;
    const position = sub(lengths, 1);
    const decoding = new StepDecoding(places, memory.inputs, prompt ? undefined : { caches, kept: memory.kept, position });
    const ids = prompt ? slice(tokens, [0, 0], [batch, prompt]) : takeAlongAxis(tokens, expandDims(position, 1), { axis: 1 });
    const x = inputs.form(cast(ids, dtype), memory.inputs);
    const logits = new NetworkPass(network, weights).run(x, false, decoding).outputs as Tensor;
    const [, time, classes] = logits.shape;
    const flat = reshape(logits, [batch * time, classes]);
    const ofLast = cast(prompt ? gather(flat, add(mul(iota(batch), time), position)) : flat, 'f32');
    const next = append(sequences, chosen(ofLast, isGreedy, topK, key, numbers), numbers);
    return { sequences: { ...next, caches: decoding.caches }, ...(prompt && { kept: decoding.kept }) };
  };

/** Draws from the call's own key, so that one seed gives the same tokens in each run. */
function chosen(logits: Tensor, isGreedy: boolean, topK: number | undefined, key: Tensor, { temperature, topP }: Numbers): Tensor {
  let site = 0;
  const trace = { name: 'generate', key: () => key, nextSite: () => site++ };
  return withTrace(trace, () => nextToken(logits, isGreedy ? undefined : { temperature, topK, topP }));
}

/** Sequences with the next tokens. Sequences that have ended get padTokens. */
function append({ tokens, lengths, ended }: Sequences, next: Tensor, { stopToken, padToken }: Numbers): Sequences {
  const places = tokens.shape[1];
  const written = where(ended, cast(padToken as Tensor, 'i32'), next);
  const here = equal(reshape(iota(places), [1, places]), expandDims(lengths, 1));
  return {
    tokens: where(here, expandDims(written, 1), tokens),
    lengths: add(lengths, 1),
    ended: stopToken === undefined ? ended : logicalOr(ended, equal(next, cast(stopToken as Tensor, 'i32'))),
  };
}
