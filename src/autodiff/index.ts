// Differentiation: graph in, graph out. Knows the op contract, not the compiler and not the runtimes.
export { gradients, pullback } from './gradients.ts';
export { type GradOptions, type ValueAndGradOptions, grad, valueAndGrad } from './transform.ts';
