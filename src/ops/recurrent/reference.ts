// Recurrences on the CPU: plain loops in f64.
import type { HostArray } from '../../core/dtype.ts';
import { sizeOf } from '../../core/shape.ts';
import type { ReferenceContext } from '../../graph/op.ts';
import { cells, gateFunctions } from './cells.ts';
import type { LinearAttributes, RecurrenceAttributes } from './plan.ts';

/** out[j] = Σ_k left[k] matrix[at + k · width + j] */
function multiply(out: Float64Array, left: Float64Array, matrix: HostArray, at: number): void {
  const width = out.length;
  out.fill(0);
  for (let k = 0; k < left.length; k++) {
    const factor = left[k];
    const row = at + k * width;
    for (let j = 0; j < width; j++) out[j] += factor * matrix[row + j];
  }
}

/** See the op `recurrence`. */
export function recurrenceReference({
  inputs,
  outputs,
  attributes,
  allocate,
}: ReferenceContext<RecurrenceAttributes>): readonly HostArray[] {
  const [x, kernel, initial, mask, scale, bias] = inputs;
  const cell = cells[attributes.cell];
  const { gates, states } = cell;
  const activation = gateFunctions[attributes.activation].host;
  const recurrentActivation = gateFunctions[attributes.recurrentActivation].host;
  const [batch, time, , units] = x.shape;
  const rowsPerKernel = batch / kernel.shape[0];
  const out = allocate('f32', sizeOf(outputs[0].shape));
  const y = new Float64Array(gates * units);
  const scaled = new Float64Array(units);
  const [gateInputs, gateProducts] = [new Array<number>(gates), new Array<number>(gates)];
  for (let row = 0; row < batch; row++) {
    const weights = Math.floor(row / rowsPerKernel);
    const state = Float64Array.from(initial.data.subarray(row * states * units, (row + 1) * states * units));
    let to = row * (time + 1) * states * units;
    out.set(state, to);
    for (let t = 0; t < time; t++) {
      to += states * units;
      if (mask.data[row * time + t] !== 0) {
        for (let k = 0; k < units; k++) scaled[k] = state[k] * scale.data[row * units + k];
        multiply(y, scaled, kernel.data, weights * units * gates * units);
        const from = (row * time + t) * gates * units;
        for (let j = 0; j < units; j++) {
          for (let gate = 0; gate < gates; gate++) {
            gateInputs[gate] = x.data[from + gate * units + j];
            gateProducts[gate] = y[gate * units + j];
          }
          const before = { h: state[j], c: states === 2 ? state[units + j] : 0, bias: bias.data[weights * units + j] };
          const [h, c] = cell.hostStep(gateInputs, gateProducts, before, activation, recurrentActivation);
          state[j] = h;
          if (states === 2) state[units + j] = c;
        }
      }
      out.set(state, to);
    }
  }
  return [out];
}

/** See the op `recurrenceGradient`. */
export function linearReference({ inputs, outputs, attributes, allocate }: ReferenceContext<LinearAttributes>): readonly HostArray[] {
  const [drive, gateFactors, stateFactors, matrices, scale] = inputs;
  const { gates, states, backwards } = attributes;
  const [batch, time, , units] = gateFactors.shape;
  const rowsPerMatrix = batch / matrices.shape[0];
  const out = allocate('f32', sizeOf(outputs[0].shape));
  const left = new Float64Array(backwards ? gates * units : units);
  const product = new Float64Array(backwards ? units : gates * units);
  const state = new Float64Array(states * units);
  for (let row = 0; row < batch; row++) {
    const weights = Math.floor(row / rowsPerMatrix) * gates * units * units;
    const scaleOf = (j: number): number => scale.data[row * units + j];
    state.fill(0);
    for (let n = 0; n <= time; n++) {
      const step = row * time + (backwards ? time - n : n - 1);
      const A = (gate: number, j: number): number => gateFactors.data[(step * gates + gate) * units + j];
      const factor = (index: number, j: number): number => stateFactors.data[(step * (states === 1 ? 1 : 3) + index) * units + j];
      const memoryOf = (j: number): number => state[units + j] + factor(1, j) * state[j];
      const next = new Float64Array(states * units);
      if (n > 0 && backwards) {
        for (let j = 0; j < units; j++) {
          for (let gate = 0; gate < gates; gate++) {
            left[gate * units + j] = A(gate, j) * (states === 2 && gate < gates - 1 ? memoryOf(j) : state[j]);
          }
        }
        multiply(product, left, matrices.data, weights);
        for (let j = 0; j < units; j++) {
          next[j] = factor(0, j) * state[j] + scaleOf(j) * product[j];
          if (states === 2) next[units + j] = factor(2, j) * memoryOf(j);
        }
      } else if (n > 0) {
        for (let j = 0; j < units; j++) left[j] = state[j] * scaleOf(j);
        multiply(product, left, matrices.data, weights);
        for (let j = 0; j < units; j++) {
          const last = (gates - 1) * units + j;
          next[j] = factor(0, j) * state[j] + A(gates - 1, j) * product[last];
          let memory = states === 2 ? factor(2, j) * state[units + j] : 0;
          for (let gate = 0; gate < gates - 1; gate++) memory += A(gate, j) * product[gate * units + j];
          next[j] += states === 2 ? factor(1, j) * memory : memory;
          if (states === 2) next[units + j] = memory;
        }
      }
      const to = (row * (time + 1) + (backwards ? time - n : n)) * states * units;
      for (let j = 0; j < states * units; j++) out[to + j] = state[j] = next[j] + drive.data[to + j];
    }
  }
  return [out];
}
