// Counts work instead of timing it: lookups in maps and sets, and elements that array methods and loops process.

type Prototype = Record<string | symbol, (...args: unknown[]) => unknown>;
interface Sized {
  readonly length?: number;
  readonly size?: number;
}

/** Counts one step for each call, or one for each element. */
const counted: readonly { prototype: object; names: readonly (string | symbol)[]; cost: (self: Sized) => number }[] = [
  { prototype: Map.prototype, names: ['get', 'has', 'set', 'delete'], cost: () => 1 },
  { prototype: Set.prototype, names: ['has', 'add', 'delete'], cost: () => 1 },
  { prototype: Map.prototype, names: ['keys', 'values', Symbol.iterator], cost: ({ size }) => size! },
  { prototype: Set.prototype, names: ['values', 'forEach', Symbol.iterator], cost: ({ size }) => size! },
  {
    prototype: Array.prototype,
    names: ['indexOf', 'includes', 'find', 'findIndex', 'some', 'every', 'filter', 'map', 'flatMap', 'forEach', 'reduce', 'slice', 'sort'],
    cost: ({ length }) => length!,
  },
  { prototype: Array.prototype, names: [Symbol.iterator], cost: ({ length }) => length! },
];

export function countedWork<T>(run: () => T): { work: number; result: T } {
  let work = 0;
  const undo: (() => void)[] = [];
  for (const { prototype, names, cost } of counted) {
    for (const name of names) {
      const method = (prototype as Prototype)[name];
      const counting = function (this: Sized, ...args: unknown[]): unknown {
        work += cost(this);
        return Reflect.apply(method, this, args);
      };
      Object.defineProperty(prototype, name, { value: counting, configurable: true, writable: true });
      undo.push(() => Object.defineProperty(prototype, name, { value: method, configurable: true, writable: true }));
    }
  }
  try {
    const result = run();
    return { work, result };
  } finally {
    for (const back of undo) back();
  }
}
