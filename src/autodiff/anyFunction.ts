/** A function of any arguments. `unknown[]` would refuse functions whose parameters have types. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyFunction = (...args: any[]) => unknown;
