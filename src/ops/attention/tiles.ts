// The attention kernels for GPUs, emitted for one tile: the forward kernel and the gradients. Their parts are in tileParts.ts.
import { indent } from '../../wgsl/index.ts';
import { range } from '../matmul/multiply.ts';
import type { AttentionAttributes } from './scores.ts';
import { type AttentionTile, TileEmitter, columns, component, lanes, scoreOf } from './tileParts.ts';

/** The text of `main` and of its workgroup variables. */
class TiledKernels extends TileEmitter {
  forward(): string {
    const { rows } = this.tile;
    const { causal } = this.attributes;
    const groups = range(rows / 4);
    /** Component of a vec4 per four rows. */
    const of = (name: string, r: number): string => `${name}${Math.floor(r / 4)}.${component[r % 4]}`;
    const values = this.slices.map((slice, i) => this.stageAlong('v', slice, `value${i}_`));
    const keys = this.slices.map((slice, i) => this.stageAcross('k', 'staged', slice, `key${i}_`));
    const maxima = (g: number, lane: string): string => `shared4[local.y * ${rows * lanes}u + ${g * lanes}u + ${lane}]`;
    const four = (g: number, value: (r: number) => string): string =>
      `vec4<f32>(${range(4)
        .map((i) => value(4 * g + i))
        .join(', ')})`;
    const largestOf = (r: number): string => `max(max(${scoreOf(r)}.x, ${scoreOf(r)}.y), max(${scoreOf(r)}.z, ${scoreOf(r)}.w))`;
    const total = (r: number): string => `${scoreOf(r)}.x + ${scoreOf(r)}.y + ${scoreOf(r)}.z + ${scoreOf(r)}.w`;
    const loop = [
      ...this.declare('score'),
      ...this.slices.flatMap((slice, i) => [
        ...keys[i].load,
        ...(i ? ['workgroupBarrier();'] : []),
        ...keys[i].store,
        'workgroupBarrier();',
        ...this.multiply('score', 'q', 'staged', slice),
      ]),
      ...this.scores('queries'),
      ...groups.map((g) => `${maxima(g, 'local.x')} = ${four(g, largestOf)};`),
      'workgroupBarrier();',
      ...values[0].load,
      ...groups.flatMap((g) => [
        `var next${g} = largest${g};`,
        ...range(lanes).map((lane) => `next${g} = max(next${g}, ${maxima(g, `${lane}u`)});`),
        `let shrink${g} = exp(max(largest${g} - next${g}, vec4<f32>(-200.0)));`,
        `largest${g} = next${g};`,
      ]),
      ...range(rows).map((r) => `${scoreOf(r)} = weightsOf(${scoreOf(r)}, vec4<f32>(${of('largest', r)}));`),
      ...groups.map((g) => `total${g} = total${g} * shrink${g} + ${four(g, total)};`),
      ...this.scaleOwn('sum', (r) => of('shrink', r)),
      'workgroupBarrier();',
      ...this.share('score'),
      ...this.slices.flatMap((slice, i) => [
        ...(i ? values[i].load : []),
        ...values[i].store,
        'workgroupBarrier();',
        ...this.accumulate('sum', slice),
        'workgroupBarrier();',
      ]),
    ];
    return this.head('queries', [
      this.maskFirst,
      ...this.rowsOf('q'),
      ...this.declareOwn('sum'),
      ...groups.flatMap((g) => [`var largest${g} = vec4<f32>(nothing);`, `var total${g} = vec4<f32>();`]),
      ...this.keysSeen(causal),
      `for (var start = 0u; start < end; start += ${columns}u) {`,
      ...indent(loop),
      '}',
      // The sums of exponentials of the eight invocations of a row.
      ...groups.map((g) => `${maxima(g, 'local.x')} = total${g};`),
      'workgroupBarrier();',
      ...groups.flatMap((g) => [
        `var all${g} = ${maxima(g, '0u')};`,
        ...range(lanes - 1).map((lane) => `all${g} += ${maxima(g, `${lane + 1}u`)};`),
        `let empty${g} = all${g} == vec4<f32>();`,
        `let share${g} = select(1.0 / all${g}, vec4<f32>(), empty${g});`,
        `let log${g} = select(largest${g} + log(select(all${g}, vec4<f32>(1.0), empty${g})), vec4<f32>(), empty${g});`,
      ]),
      'let position = head * params.queries + row;',
      ...this.storeOwn(
        'sum',
        (r) => `(position + ${r}u) * ${this.quads}u`,
        (r) => ` * ${of('share', r)}`,
      ),
      'if (local.x == 0u) {',
      ...range(rows).map((r) => `  if (row + ${r}u <= lastRow) { logSumExp[position + ${r}u] = ${of('log', r)}; }`),
      '}',
    ]);
  }

  private keysSeen(causal: boolean): string[] {
    return [causal ? `let end = min(params.keys, (tile + 1u) * ${this.tileRows}u);` : 'let end = params.keys;'];
  }

  queryGradient(): string {
    const { rows } = this.tile;
    const loop = [
      ...this.declare('score'),
      ...this.declare('product'),
      ...this.bothProducts(['k', 'v'], ['q', 'g']),
      ...this.scores('queries'),
      ...range(rows).map((r) => `product${r} = weightsOf(${scoreOf(r)}, vec4<f32>(shift${r})) * (product${r} - mean${r}) * scale;`),
      ...this.share('product'),
      ...this.accumulateAll('sum', 'k'),
    ];
    return this.head('queries', [
      'let gFirst = params.gOffset + batch * params.gBatch + inner * params.gHead;',
      this.maskFirst,
      ...this.rowsOf('q'),
      ...this.rowsOf('g'),
      ...range(rows).flatMap((r) => [
        `let shift${r} = logSumExp[head * params.queries + row${r}];`,
        `let mean${r} = delta[head * params.queries + row${r}];`,
      ]),
      ...this.declareOwn('sum'),
      ...this.keysSeen(this.attributes.causal),
      `for (var start = 0u; start < end; start += ${columns}u) {`,
      ...indent(loop),
      '}',
      ...this.storeOwn('sum', (r) => `(head * params.queries + row + ${r}u) * ${this.quads}u`),
    ]);
  }

  keyGradient(): string {
    const { rows } = this.tile;
    const { causal } = this.attributes;
    const ofColumns = (name: string): string =>
      `vec4<f32>(${range(4)
        .map((c) => `${name}[at.${component[c]}]`)
        .join(', ')})`;
    const loop = [
      ...this.declare('score'),
      ...this.declare('product'),
      ...this.bothProducts(['q', 'g'], ['k', 'v']),
      ...this.scores('keys'),
      'let at = head * params.queries + min(column, vec4<u32>(lastColumn));',
      `let shift = ${ofColumns('logSumExp')};`,
      `let mean = ${ofColumns('delta')};`,
      ...range(rows).flatMap((r) => [
        `${scoreOf(r)} = weightsOf(${scoreOf(r)}, shift);`,
        `product${r} = ${scoreOf(r)} * (product${r} - mean) * scale;`,
      ]),
      ...this.share('score'),
      ...this.accumulateAll('valueSum', 'g'),
      ...this.share('product'),
      ...this.accumulateAll('keySum', 'q'),
    ];
    const place = (r: number): string => `(head * params.keys + row + ${r}u) * ${2 * this.quads}u`;
    return this.head('keys', [
      'let gFirst = params.gOffset + batch * params.gBatch + inner * params.gHead;',
      this.maskFirst,
      ...this.rowsOf('k'),
      ...this.rowsOf('v'),
      ...this.declareOwn('keySum'),
      ...this.declareOwn('valueSum'),
      // Queries before the tile's first key see none of its keys. Tiles start at multiples of 32.
      `for (var start = ${causal ? `tile * ${this.tileRows}u` : '0u'}; start < params.queries; start += ${columns}u) {`,
      ...indent(loop),
      '}',
      ...this.storeOwn('keySum', place),
      ...this.storeOwn('valueSum', (r) => `${place(r)} + ${this.quads}u`),
    ]);
  }

  /** Scores, and the products of gradients and values, over all slices. Ends when all have read the staged tiles. */
  private bothProducts([first, second]: [string, string], [a, b]: [string, string]): string[] {
    return this.slices.flatMap((slice, i) => {
      const one = this.stageAcross(first, 'staged', slice, `first${i}_`);
      const two = this.stageAcross(second, 'shared4', slice, `second${i}_`);
      return [
        ...[...one.load, ...two.load, ...one.store, ...two.store, 'workgroupBarrier();'],
        ...this.multiply('score', a, 'staged', slice),
        ...this.multiply('product', b, 'shared4', slice),
        'workgroupBarrier();',
      ];
    });
  }

  /** Adds the weights in `shared4` times all columns of x. Ends when all have read both. */
  private accumulateAll(sums: string, x: string): string[] {
    return this.slices.flatMap((slice, i) => {
      const { load, store } = this.stageAlong(x, slice, `${sums}Of${i}_`);
      return [...load, ...store, 'workgroupBarrier();', ...this.accumulate(sums, slice), 'workgroupBarrier();'];
    });
  }
}

export type AttentionKernelName = 'attention' | 'attentionQueryGradient' | 'attentionKeyGradient';

/** Declarations and entry point of a kernel, after its params, bindings and functions. */
export function tiledMain(name: AttentionKernelName, tile: AttentionTile, quads: number, attributes: AttentionAttributes): string {
  const emitter = new TiledKernels(tile, quads, attributes);
  if (name === 'attention') return emitter.forward();
  return name === 'attentionQueryGradient' ? emitter.queryGradient() : emitter.keyGradient();
}
