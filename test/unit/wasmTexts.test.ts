// Every kernel text that the ops and their gradients give compiles to a valid WebAssembly module. Nothing runs here.
import { describe, expect, test } from 'vitest';
import { pullback } from '../../src/autodiff/index.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import { isFloat } from '../../src/core/dtype.ts';
import { OmbreError } from '../../src/core/errors.ts';
import { traceFunction } from '../../src/engine/traceFunction.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { cast, onesLike, zeros } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import { compileKernel } from '../../src/runtime/wasm/compile.ts';
import { hasRelaxedSimd } from '../../src/runtime/wasm/features.ts';
import { WasmRuntime } from '../../src/runtime/wasm/index.ts';
import { plainText } from '../../src/wgsl/index.ts';
import { opRows } from '../tables/index.ts';
import type { OpRow } from '../tables/row.ts';

const { target } = await WasmRuntime.open();

/** The graph of a row and its gradients. In half precision it has only the result. */
function graphOfRow(row: OpRow, isHalf: boolean): Graph {
  const fn = (...inputs: Tensor[]): unknown => {
    if (isHalf) return row.call(...inputs.map((x) => (x.dtype === 'f32' ? cast(x, 'f16') : x)));
    const output = row.call(...inputs);
    if (row.gradient === 'none' || !isFloat(output.dtype)) return output;
    return [output, pullback([output], [onesLike(output)], inputs.filter((x) => isFloat(x.dtype)))]; // prettier-ignore
  };
  const given = row.inputs.map(({ shape, dtype }) => zeros(shape, dtype));
  return traceFunction(fn, given, row.name, new Set()).graph;
}

const compiled = new Set<string>();

function compileAll(name: string, graph: Graph): void {
  const { dispatches } = compileGraph(graph, { name, target });
  const launches = dispatches.flatMap((dispatch) => {
    const { alternatives } = dispatch;
    return [dispatch, ...Array.from(alternatives?.names ?? [], (_, i) => alternatives!.variant(i))];
  });
  for (const { label, wgsl } of launches) {
    const key = plainText(wgsl);
    if (compiled.has(key)) continue;
    compiled.add(key);
    for (const isRelaxed of [true, false]) {
      const { bytes } = compileKernel(label, wgsl, { isRelaxed, isShared: false });
      if ((!isRelaxed || hasRelaxedSimd()) && !WebAssembly.validate(bytes)) expect.fail(`${label}: the module is not valid\n${wgsl}`);
    }
  }
}

describe('kernels of all rows', () => {
  test.each(opRows.map((row) => [row.name, row] as const))('%s', (name, row) => {
    compileAll(name, graphOfRow(row, false));
  });

  test('there are many', () => {
    expect(compiled.size).toBeGreaterThan(300);
  });
});

describe('in half precision', () => {
  const rows = opRows.filter(({ inputs }) => inputs.some(({ dtype }) => dtype === 'f32'));
  test.for(rows.map((row) => [row.name, row] as const))('%s', ([name, row], { skip }) => {
    let graph: Graph;
    try {
      graph = graphOfRow(row, true);
    } catch (error) {
      if (!(error instanceof OmbreError)) throw error;
      return skip(`it takes no halves: ${error.message}`);
    }
    compileAll(name, graph);
  });
});
