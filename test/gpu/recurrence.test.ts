// Recurrences on the GPU at sizes around those of workgroups, in the kernels for both classes of device, against the op's own reference:
// values, gradients, and gradients of gradients. Long sequences take several dispatches.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gradients, vmap } from '../../src/autodiff/index.ts';
import { type HostArray, allocate } from '../../src/core/dtype.ts';
import { RandomStream } from '../../src/core/random.ts';
import { type Shape, contiguousView, sizeOf } from '../../src/core/shape.ts';
import { topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Target } from '../../src/graph/op.ts';
import type { Node, Tensor } from '../../src/graph/tensor.ts';
import { setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import { type CellName, greater, random, recurrence, setSeed, sin, sum, where } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { sequential } from '../../src/train/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { families } from '../support/families.ts';
import { noteError } from '../support/findings.ts';
import { type OpenPlanDevice, openPlanDevice } from '../support/planDevice.ts';
import { runPlan } from './runPlan.ts';

let opened: OpenPlanDevice;
beforeAll(async () => {
  opened = await openPlanDevice();
});
afterAll(() => opened.close());

const stream = RandomStream.fromSeed(5);
const states: Record<CellName, number> = { simple: 1, lstm: 2, gru: 1 };
const gates: Record<CellName, number> = { simple: 1, lstm: 4, gru: 3 };

async function checkNode(node: Node, feeds: Map<Tensor, HostArray>, target: Target): Promise<void> {
  const { lowering, name } = node.op;
  if (lowering.kind !== 'kernel' || !name.startsWith('recurrence')) return;
  const inputs = interpret(node.inputs, { feeds });
  const plan = lowering.plan({
    inputs: node.inputs,
    views: node.inputs.map(({ shape }) => contiguousView(shape)),
    outputs: node.types,
    attributes: node.attributes,
    target,
  });
  const operands = node.inputs.map(({ dtype }, i) => ({ dtype, data: inputs[i] }));
  const [actual] = await runPlan(opened.device, plan, operands, node.types);
  const [expected] = node.op.reference({
    inputs: node.inputs.map(({ shape, dtype }, i) => ({ shape, dtype, data: Float64Array.from(inputs[i]) })),
    outputs: node.types,
    attributes: node.attributes,
    allocate: (dtype, size) => allocate(dtype, size, 'f64'),
  });
  const largest = Math.max(1, ...Array.from(expected, Math.abs));
  const worst = Math.max(0, ...Array.from(expected, (value, i) => (Number.isNaN(actual[i]) ? Infinity : Math.abs(value - actual[i]))));
  noteError('recurrences', plan.dispatches[0].name, worst, 2e-6 * largest);
  expect(plan.dispatches.length).toBe(node.inputs[0].shape[1] > 64 && target.processor === 'cpu' ? 2 : 1);
  expect(worst, `${name} ${JSON.stringify(node.inputs[0].shape)} for a ${target.processor}`).toBeLessThanOrEqual(2e-6 * largest);
}

/** Checks the recurrences of a graph, of its gradients and of their gradients. */
async function check(found: Tensor, differentiated: readonly Tensor[], feeds: Map<Tensor, HostArray>): Promise<void> {
  const first = gradients(sum(sin(found)), differentiated);
  const nodes = topological([...first, ...gradients(sum(sin(first[0])), differentiated)]);
  expect(new Set(nodes.map(({ op }) => op.name).filter((name) => name.startsWith('recurrence'))).size).toBe(2);
  for (const processor of families) {
    for (const node of nodes) await checkNode(node, feeds, { ...opened.target, processor });
  }
}

// Units around the lanes of workgroups and the units that an invocation computes at once; sequences around 8 of them.
const cases: readonly (readonly [CellName, batch: number, time: number, units: number])[] = [
  ['simple', 1, 1, 1],
  ['simple', 9, 3, 17],
  ['simple', 2, 65, 257],
  ['lstm', 3, 3, 5],
  ['lstm', 2, 2, 65],
  ['gru', 8, 3, 4],
  ['gru', 2, 2, 66],
  // A workgroup shares the products in one block of units, in two, with a last piece that is not whole, and not at all.
  ['lstm', 2, 3, 128],
  ['gru', 1, 3, 260],
  ['gru', 1, 2, 87],
  ['lstm', 1, 2, 516],
];

const filled = (feeds: Map<Tensor, HostArray>, shape: Shape, low: number, high: number): Tensor => {
  const tensor = placeholder(shape, 'f32', { position: feeds.size });
  feeds.set(
    tensor,
    Float32Array.from({ length: sizeOf(shape) }, () => low + (high - low) * stream.uniform()),
  );
  return tensor;
};

test.each(cases)('%s, %i sequences of %i steps, %i units', async (cell, batch, time, units) => {
  const feeds = new Map<Tensor, HostArray>();
  const input = (shape: Shape, low: number, high: number): Tensor => filled(feeds, shape, low, high);
  const size = 1 / Math.sqrt(units);
  const differentiated = [input([batch, time, gates[cell] * units], -1, 1), input([units, gates[cell] * units], -size, size)];
  const scaled = units % 2 === 1;
  const found = recurrence(differentiated[0], differentiated[1], {
    cell,
    mask: greater(input([batch, time], 0, 1), 0.25),
    initialState: input([batch, states[cell], units], -1, 1),
    ...(scaled && { recurrentScale: input([batch, units], 0, 2) }),
    ...(cell === 'gru' && { recurrentBias: input([units], -1, 1) }),
  });
  await check(found, differentiated, feeds);
});

test('separate kernels for groups of sequences', async () => {
  const feeds = new Map<Tensor, HostArray>();
  const [x, kernel] = [filled(feeds, [3, 2, 4, 9], -1, 1), filled(feeds, [3, 3, 9], -0.5, 0.5)];
  const found = vmap((a: Tensor, u: Tensor) => recurrence(a, u, { cell: 'gru' }))(x, kernel);
  await check(found, [x, kernel], feeds);
});

test('layers train as on the CPU, with masks and states', async () => {
  const counts = greater(random.uniform([4, 4, 1], { seed: 3 }), 0.3);
  const x = where(counts, random.uniform([4, 4, 3], { seed: 1 }), -1);
  const y = random.uniform([4, 4], { seed: 2 });
  const losses: (readonly number[])[] = [];
  for (const device of ['cpu', 'webgpu'] as const) {
    await setDevice(device);
    setSeed(4);
    const model = sequential([
      layers.masking({ maskValue: -1, inputShape: [4, 3] }),
      layers.lstm({ units: 4, stateful: true, batchSize: 4, goBackwards: true }),
    ]);
    model.compile({ loss: 'mse', optimizer: optimizers.adam({ learningRate: 0.05 }) });
    const { history } = await model.fit(x, y, { epochs: 4, batchSize: 4, shuffle: false, verbose: 0 });
    losses.push(history.loss);
  }
  losses[0].forEach((loss, i) => {
    noteError('recurrences', 'training', Math.abs(losses[1][i] - loss), 1e-5);
    expect(Math.abs(losses[1][i] - loss)).toBeLessThanOrEqual(1e-5);
  });
  expect(losses[0][3]).toBeLessThan(losses[0][0]);
}, 60_000);
