// Row kernels at awkward sizes, both families on any adapter, against the CPU in f64.
import { beforeAll, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { defaultEngine, setDevice } from '../../src/engine/index.ts';
import { HostValue, type Tensor } from '../../src/graph/tensor.ts';
import {
  add,
  any,
  broadcastTo,
  cast,
  exp,
  greater,
  layerNorm,
  logSoftmax,
  matmul,
  max,
  mul,
  oneHot,
  reshape,
  rmsNorm,
  softmax,
  sub,
  sum,
  tanh,
  transpose,
  where,
} from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { families } from '../support/families.ts';
import { type InputType, graphOf, values } from '../support/graphs.ts';

let runtime: WebGpuRuntime;
beforeAll(async () => {
  await setDevice('webgpu');
  runtime = (await defaultEngine()).runtime as WebGpuRuntime;
});

type Make = (x: Tensor, y: Tensor, b: Tensor, labels: Tensor) => readonly Tensor[];

/** [rows, length] twice, [length], and a class for each row. */
async function check(processor: 'cpu' | 'gpu', rows: number, length: number, make: Make, special?: Float32Array): Promise<string[]> {
  const types: InputType[] = [{ shape: [rows, length] }, { shape: [rows, length] }, { shape: [length] }, { shape: [rows], dtype: 'i32' }];
  const graph = graphOf(types, (x, y, b, labels) => make(x, y, b, labels));
  const data = types.map(({ shape, dtype }, i) =>
    dtype === 'i32' ? Int32Array.from({ length: rows }, (_, j) => (j * 7) % length) : values(sizeOf(shape), i + 1),
  );
  if (special) data[0] = special;
  const program = compileGraph(graph, { name: 'rows', target: { ...runtime.target, processor } });
  const executable = await runtime.load(program);
  const results = await executable.run(data.map((d) => new HostValue(d)));
  const got = await runtime.read(graph.outputs.map((type, i) => ({ type, value: results[i] })));
  const feeds = new Map(graph.inputs.map((input, i) => [input, data[i]]));
  const expected = interpret(graph.outputs, { feeds, mode: 'f64' });
  got.forEach((result, i) => {
    // Sums of as many terms as a row and a column have, after functions accurate to 32 units in the last place.
    const scale = Math.max(1, ...Array.from(expected[i], (v) => (Number.isFinite(v) ? Math.abs(v) : 0)));
    const bound = (rows + length + 40) * 2 ** -23 * scale;
    result.forEach((value, j) => {
      const wanted = expected[i][j];
      const isRight = Number.isFinite(wanted) ? Math.abs(value - wanted) <= bound : Object.is(value, wanted);
      if (!isRight) expect.fail(`${processor} ${rows}x${length} output ${i}[${j}]: ${value} instead of ${wanted} (bound ${bound})`);
    });
  });
  return program.dispatches.map(({ ops }) => ops.join(' '));
}

const everything: Make = (x, y, b, labels) => {
  const loss = sum(sum(where(oneHot(labels, x.shape[1], 'bool'), mul(logSoftmax(x), -1), 0), { axis: -1 }));
  const normal = layerNorm(y, { gamma: b, beta: add(b, 1) });
  return [
    softmax(x),
    loss,
    gradients(loss, [x])[0],
    normal,
    ...gradients(sum(mul(normal, x)), [y, b]),
    // A value of the row that another row kernel made before, read by every item.
    mul(y, broadcastTo(reshape(sum(tanh(x), { axis: 1 }), [x.shape[0], 1]), y.shape)),
    where(broadcastTo(reshape(any(greater(x, 0.9), { axis: 1 }), [x.shape[0], 1]), x.shape), x, y),
    rmsNorm(y, { gamma: b }),
  ];
};

for (const processor of families) {
  test(`rows of every length, on a ${processor}`, { timeout: 300_000 }, async () => {
    // Barriers are slow to build and to run on a CPU: there the GPU's family gets the sizes around its 64 lanes only.
    const sizes = processor === 'cpu' ? [[1, 2], [1, 1000], [2, 31], [65, 65], [130, 97], [300, 10]] : [[2, 31], [5, 63], [3, 64], [9, 130]]; // prettier-ignore
    for (const [rows, length] of sizes) {
      await check(processor, rows, length, everything);
    }
  });

  test(`infinities and NaN stay in their rows, on a ${processor}`, async () => {
    const x = values(6 * 40);
    x.fill(-Infinity, 0, 40); // a row of which nothing is left
    x.fill(-Infinity, 40, 60);
    x[85] = NaN;
    x[125] = Infinity;
    const kernels = await check(
      processor,
      6,
      40,
      (t) => {
        const top = max(t, { axis: 1, keepDims: true });
        return [top, sum(t, { axis: 1 }), exp(sub(where(greater(t, -1), t, 0), where(greater(top, -1), 0, 1)))];
      },
      x,
    );
    expect(kernels).toHaveLength(1);
  });

  test(`whole numbers are exact, on a ${processor}`, async () => {
    const kernels = await check(processor, 70, 50, (x, y) => {
      const whole = cast(mul(x, 64), 'i32');
      const total = sum(whole, { axis: 1, keepDims: true });
      return [total, sub(whole, total), cast(sum(cast(greater(x, y), 'i32'), { axis: 1 }), 'f32')];
    });
    expect(kernels).toHaveLength(1);
  });
}

for (const processor of families) {
  test(`rearranging copies are stored where they belong, on a ${processor}`, async () => {
    const kernels = await check(processor, 12, 10, (x, y, b) => {
      const product = add(matmul(x, transpose(y)), sum(b));
      return [reshape(transpose(reshape(product, [3, 4, 2, 6]), [2, 0, 3, 1]), [144]), reshape(transpose(tanh(x)), [120])];
    });
    expect(kernels).toContain('matmul add copy');
    expect(kernels).toContain('tanh copy');
  });
}
