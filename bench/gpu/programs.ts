// Times compiled functions by the GPU's clock: kernels that move memory, relative to the bandwidth of a copy, and attention in both forms.
import {
  type Tensor,
  compile,
  grad,
  layerNorm,
  matmul,
  maxPool2d,
  mul,
  optimizers,
  profile,
  random,
  softmax,
  sum,
  tanh,
  valueAndGrad,
} from 'ombre';
import { flashAttention } from '../../src/ops/attention/flash.ts';
import { composedAttention } from '../../src/ops/attention/scores.ts';

export interface BandwidthFigure {
  readonly name: string;
  readonly dispatches: number;
  readonly milliseconds: number;
  /** Bytes read and written, divided by the time. */
  readonly gigabytesPerSecond: number;
}

export interface AttentionFigure {
  readonly time: number;
  readonly kind: 'forward' | 'forward and backward';
  readonly batch: number;
  readonly causal: boolean;
  readonly forms: readonly { readonly form: string; readonly milliseconds: number; readonly teraflops: number }[];
}

const runs = 5;

/** Milliseconds and dispatches of one call: the sum over its kernels. The first calls build pipelines. */
async function timeCall(call: () => Promise<readonly Tensor[]>): Promise<{ milliseconds: number; dispatches: number }> {
  const once = async (): Promise<void> => {
    const results = await call();
    for (const result of results) result.dispose();
  };
  await once();
  await once();
  const { milliseconds, dispatches } = await profile(async () => {
    for (let i = 0; i < runs; i++) await once();
  });
  return { milliseconds: milliseconds / runs, dispatches: dispatches / runs };
}

const matrix = (rows: number, columns: number): Tensor => random.normal([rows, columns]);

/** Kernels over [rows, 4096] and images of as many bytes. Smaller cards have no memory for 16,384 rows. */
export async function* measureBandwidth(rows = 16384): AsyncGenerator<BandwidthFigure> {
  const columns = 4096;
  const size = 4 * rows * columns;
  const x = matrix(rows, columns);
  const gamma = random.normal([columns]);
  const beta = random.normal([columns]);
  const adam = optimizers.adam({ learningRate: 1e-3 });
  const chain = compile((x: Tensor) => mul(tanh(x.mul(1.5).add(0.3)), x));
  const rowSoftmax = compile((x: Tensor) => softmax(x));
  const norm = compile((x: Tensor, gamma: Tensor, beta: Tensor) => layerNorm(x, { gamma, beta }));
  const biasGradient = compile((x: Tensor) => sum(x, { axis: 0 }));
  const rowSum = compile((x: Tensor) => sum(x, { axis: 1 }));
  const total = compile((x: Tensor) => sum(x));
  const small = matrix(4 * rows, 256);
  const long = matrix(Math.ceil(rows / 32), 16384);
  const works: readonly (readonly [name: string, bytes: number, call: () => Promise<readonly Tensor[]>])[] = [
    [`chain tanh(1.5 x + 0.3) x, ${rows} x ${columns}`, 2 * size, async () => [await chain(x)]],
    [`softmax of ${rows} rows of ${columns}`, 2 * size, async () => [await rowSoftmax(x)]],
    [`softmax of ${4 * rows} rows of 256`, 2 * 4 * small.size, async () => [await rowSoftmax(small)]],
    [`softmax of ${long.shape[0]} rows of 16384`, 2 * 4 * long.size, async () => [await rowSoftmax(long)]],
    [`layerNorm of ${rows} rows of ${columns}`, 2 * size, async () => [await norm(x, gamma, beta)]],
    [`sum over rows (bias gradient), ${rows} x ${columns}`, size, async () => [await biasGradient(x)]],
    [`sum over rows (bias gradient), ${4 * rows} x 256`, 4 * small.size, async () => [await biasGradient(small)]],
    [`sum along rows, ${rows} x ${columns}`, size, async () => [await rowSum(x)]],
    [`sum of all, ${rows} x ${columns}`, size, async () => [await total(x)]],
  ];
  const images = random.normal([Math.ceil(rows / 256), 112, 112, 64]);
  const pool = compile((x: Tensor) => maxPool2d(x, { poolSize: 2 }));
  const poolGradient = compile((x: Tensor) => grad((x: Tensor) => sum(maxPool2d(x, { poolSize: 2 })))(x));
  const pooling: typeof works = [
    [`max pooling 2 x 2 of ${images.shape[0]} x 112 x 112 x 64`, 1.5 * 4 * images.size, async () => [await pool(images)]],
    ['the same with its gradient', 3 * 4 * images.size, async () => [await poolGradient(images)]],
  ];
  for (const [name, bytes, call] of [...works, ...pooling]) {
    const { milliseconds, dispatches } = await timeCall(call);
    yield { name, dispatches, milliseconds, gigabytesPerSecond: bytes / milliseconds / 1e6 };
  }
  let parameters = matrix(rows, columns);
  let state = adam.init(parameters);
  const update = compile((g: Tensor, s: typeof state, p: Tensor) => adam.update(g, s, p), { donate: [1, 2] });
  const { milliseconds, dispatches } = await timeCall(async () => {
    ({ parameters, state } = await update(x, state, parameters));
    return [];
  });
  yield { name: `Adam, ${rows} x ${columns}`, dispatches, milliseconds, gigabytesPerSecond: (7 * size) / milliseconds / 1e6 };
}

/** The kernels, and the composition that stores the scores. */
const attentionForms = { kernels: flashAttention, composed: composedAttention };

/** 8 heads of depth 64, batch `maxBatch`, or 2 for long sequences. */
export async function* measureAttention(times: readonly number[], maxBatch = 8): AsyncGenerator<AttentionFigure> {
  const [heads, depth] = [8, 64];
  for (const time of times) {
    const batch = time > 2048 ? 2 : maxBatch;
    const [q, k, v] = [0, 1, 2].map(() => random.normal([batch, heads, time, depth]));
    for (const causal of [true, false]) {
      for (const kind of ['forward', 'forward and backward'] as const) {
        const figures: AttentionFigure['forms'][number][] = [];
        // Two products of T x T x depth forward, five backward. With causality half of the pairs count.
        const products = kind === 'forward' ? 2 : 7;
        const operations = (2 * products * batch * heads * time * time * depth) / (causal ? 2 : 1);
        for (const [form, attend] of Object.entries(attentionForms)) {
          const attributes = { causal, scale: depth ** -0.5, masked: false };
          const run = (q: Tensor, k: Tensor, v: Tensor): Tensor => attend(q, k, v, undefined, attributes);
          const forward = compile((q: Tensor, k: Tensor, v: Tensor) => [run(q, k, v)]);
          const both = compile((q: Tensor, k: Tensor, v: Tensor) => {
            const [loss, gradients] = valueAndGrad((q: Tensor, k: Tensor, v: Tensor) => sum(run(q, k, v)), { argnums: [0, 1, 2] })(q, k, v);
            return [loss, ...gradients];
          });
          const { milliseconds } = await timeCall(async () => (kind === 'forward' ? forward(q, k, v) : both(q, k, v)));
          figures.push({ form, milliseconds, teraflops: operations / milliseconds / 1e9 });
        }
        yield { time, batch, causal, kind, forms: figures };
      }
    }
    for (const t of [q, k, v]) t.dispose();
  }
}

/** Milliseconds by the clock of a compiled call with almost no work. The times of the kernels do not contain this cost. */
export async function emptyCall(calls = 500): Promise<number> {
  const one = random.normal([4, 4]);
  const call = compile((x: Tensor) => matmul(x, x));
  for (let i = 0; i < 20; i++) await call(one);
  let last = await call(one);
  await last.data();
  const start = performance.now();
  for (let i = 0; i < calls; i++) {
    const next = await call(one);
    last.dispose();
    last = next;
  }
  await last.data();
  return (performance.now() - start) / calls;
}
