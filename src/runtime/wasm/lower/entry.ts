// The entry point: loops over workgroups and invocations around the body of `main`.
import type { Value } from '../ir/code.ts';
import { onLine, unknownConstruct } from '../wgsl/errors.ts';
import type { FunctionSyntax, ModuleSyntax } from '../wgsl/syntax.ts';
import { evaluate } from './expressions.ts';
import { Facts, Kernel, type KernelOptions, Restart } from './kernel.ts';
import { lowerFor, stripLoop } from './loops.ts';
import { storeTo } from './memory.ts';
import { collapse, one, zero } from './nodes.ts';
import type { Stored } from './scope.ts';
import { lowerBody } from './statements.ts';
import { Rejected } from './strip.ts';
import { type Lanes, type Node, strideOf } from './types.ts';

/** Arguments of the function `run`: addresses of the bindings, the thread's arrays, the range of workgroups and the grid. */
interface Arguments {
  readonly launch: Value;
  readonly begin: Value;
  readonly end: Value;
  readonly width: Value;
  readonly height: Value;
}

/** How invocations are computed: loops within them four iterations at a time, four invocations together, or one by one. */
export type Manner = 'loops' | 'invocations' | 'single';

/** Lowers a module. @throws UnknownConstruct, or Rejected if its invocations cannot be computed in this manner. */
export function lowerKernel(module: ModuleSyntax, options: KernelOptions, manner: Manner): Kernel {
  const facts = new Facts();
  for (let attempt = 0; attempt < 100; attempt++) {
    const kernel = new Kernel(module, options, facts, manner === 'loops', { evaluate, body: lowerBody, loop: lowerFor });
    try {
      lowerModule(kernel, manner);
      return kernel;
    } catch (error) {
      if (!(error instanceof Restart)) throw error;
    }
  }
  return unknownConstruct('the uses of its variables');
}

function lowerModule(kernel: Kernel, manner: Manner): void {
  const { builder, module } = kernel;
  const entry = [...module.functions.values()].find((fn) => fn.workgroupSize);
  if (!entry) return unknownConstruct('a module without an entry point');
  const launch = builder.argument('i32');
  kernel.stack = builder.argument('i32');
  const [begin, end, width, height] = Array.from({ length: 4 }, () => builder.argument('i32'));
  declareGlobals(kernel, launch);
  invocations(kernel, entry, { launch, begin, end, width, height }, manner);
}

function declareGlobals(kernel: Kernel, launch: Value): void {
  const { builder, module, scope } = kernel;
  kernel.globals = scope;
  for (const [name, expression] of module.constants) scope.declare(name, { kind: 'expression', expression });
  const word = kernel.place('launch', true);
  for (const variable of module.variables.values()) {
    const type = onLine(variable.line, () => kernel.type(variable.type));
    if (variable.space === 'workgroup') return unknownConstruct('workgroup memory', variable.line);
    if (variable.space === 'private') continue;
    const slot = 8 * variable.binding!;
    const address = builder.load({ place: word, instruction: 'i32.load' }, launch, slot, 'i32');
    const place = kernel.place(variable.name, variable.access === 'read');
    const stored: Stored = { kind: 'stored', place, type, addresses: [address] };
    if (type.kind !== 'array' || variable.space !== 'storage') scope.declare(variable.name, stored);
    else {
      const { of } = type;
      const length = (): Value => {
        let count!: Value;
        builder.inside(builder.root, () => {
          const bytes = builder.load({ place: word, instruction: 'i32.load' }, launch, slot + 4, 'i32');
          count = builder.op('i32.div_u', [bytes, builder.i32(strideOf(of))]);
        });
        return count;
      };
      scope.declare(variable.name, { ...stored, length });
    }
  }
  // Tables that are indexed are written once.
  for (const [name, expression] of module.constants) {
    if (expression.kind !== 'call' || expression.callee.name !== 'array') continue;
    const [table] = evaluate(kernel, expression);
    const stored = kernel.reserve(name, table.type);
    storeTo(kernel, stored.place, stored.addresses[0], table, table.type);
    scope.declare(name, stored);
  }
}

function invocations(kernel: Kernel, entry: FunctionSyntax, { begin, end, width, height }: Arguments, manner: Manner): void {
  const { builder } = kernel;
  const sizes = entry.workgroupSize!.map((size) => kernel.number(size));
  const [sizeX, sizeY = 1, sizeZ = 1] = sizes;
  const groups = [width, height];
  counted(kernel, begin, end, (group) => {
    const row = builder.op('i32.div_u', [group, width]);
    const x = builder.op('i32.sub', [group, builder.op('i32.mul', [row, width])]);
    const z = builder.op('i32.div_u', [row, height]);
    const y = builder.op('i32.sub', [row, builder.op('i32.mul', [z, height])]);
    counted(kernel, builder.i32(0), builder.i32(sizeZ), (localZ) =>
      counted(kernel, builder.i32(0), builder.i32(sizeY), (localY) => {
        const run = (counters: readonly Value[]): void => {
          const vec3 = (at: (local: Value) => readonly Value[]): Lanes => counters.map((local) => triple(at(local)));
          const line = builder.op('i32.mul', [
            builder.op('i32.add', [builder.op('i32.mul', [localZ, builder.i32(sizeY)]), localY]),
            builder.i32(sizeX),
          ]);
          const builtins: Record<string, () => Lanes> = {
            workgroup_id: () => [triple([x, y, z])],
            num_workgroups: () => [triple([...groups, builder.i32(1)])],
            local_invocation_id: () => vec3((local) => [local, localY, localZ]),
            local_invocation_index: () => counters.map((local) => one('u32', builder.op('i32.add', [line, local]))),
            global_invocation_id: () =>
              vec3((local) => [
                [x, sizeX, local] as const,
                [y, sizeY, localY] as const,
                [z, sizeZ, localZ] as const,
              ].map(([id, size, own]) => builder.op('i32.add', [builder.op('i32.mul', [id, builder.i32(size)]), own]))), // prettier-ignore
          };
          kernel.scoped(() => {
            for (const { name, builtin } of entry.parameters) {
              const made = Object.hasOwn(builtins, builtin ?? '') ? builtins[builtin!]() : unknownConstruct(`the builtin '${builtin}'`);
              kernel.scope.declare(name, { kind: 'constant', lanes: collapse(made) });
            }
            declarePrivate(kernel);
            lowerBody(kernel, entry);
          }, kernel.globals);
        };
        if (manner !== 'invocations') counted(kernel, builder.i32(0), builder.i32(sizeX), (local) => run([local]));
        else if (sizeX % 4 !== 0) throw new Rejected('workgroups of fewer than four invocations');
        else {
          stripLoop(kernel, {
            from: builder.i32(0),
            end: builder.i32(sizeX),
            isSigned: false,
            isLoop: false,
            carried: new Set(),
            enter: () => undefined,
            restore: () => undefined,
            body: run,
          });
        }
      }),
    );
  });
}

const triple = (values: readonly Value[]): Node => ({
  type: { kind: 'vector', size: 3, of: 'u32' },
  parts: values.map((value) => one('u32', value)),
});

function declarePrivate(kernel: Kernel): void {
  kernel.moduleVariables.length = 0;
  for (const variable of kernel.module.variables.values()) {
    if (variable.space !== 'private') continue;
    const type = kernel.type(variable.type);
    const own = { kind: 'variable', declaration: variable, name: variable.name, type, current: [zero(kernel, type)] } as const;
    const binding = { ...own } as { -readonly [K in keyof typeof own]: (typeof own)[K] };
    kernel.globals.declare(variable.name, binding);
    kernel.moduleVariables.push(binding);
  }
}

/** A loop over whole numbers; none for a single one. */
function counted(kernel: Kernel, from: Value, end: Value, body: (counter: Value) => void): void {
  const { builder } = kernel;
  if (from.op === 'const' && end.op === 'const' && end.imm === from.imm + 1) return body(from);
  const cell = builder.cell('i32');
  builder.set(cell, from);
  const exit = builder.label('counted');
  const { region } = builder.within(true, () => {
    const counter = builder.get(cell);
    builder.push({ kind: 'branch', target: exit, condition: builder.op('i32.ge_u', [counter, end]) });
    body(counter);
    builder.set(cell, builder.op('i32.add', [counter, builder.i32(1)]));
  });
  builder.push({ kind: 'loop', head: builder.label('again'), exit, body: region });
}
