// Differentiation and batching: graph in, graph out. Uses the op contract. Does not import the compiler or the runtimes.
export { readAfter } from './boundary.ts';
export type { AnyFunction } from './anyFunction.ts';
export { gradients, pullback } from './gradients.ts';
export { type GradOptions, type Gradient, type ValueAndGradOptions, grad, valueAndGrad } from './transform.ts';
export { jvp, vjp } from './vjp.ts';
export { type Jacobian, hessian, jacobian } from './jacobian.ts';
export { type CustomGradient, checkpoint, customGradient } from './checkpoint.ts';
export { type Axes, type VmapOptions, vmap } from './vmap.ts';
