// The classes of kernels that this run tests: those for CPU-implemented adapters, those for GPUs, or both.
import { inject } from 'vitest';

const plan = inject('plan');

/**
 * On a software adapter one stage tests its own kernels, and a second stage, disguised, those for GPUs. On hardware one stage tests both.
 */
export const families: readonly ('cpu' | 'gpu')[] = plan === 'both' ? ['cpu', 'gpu'] : plan === 'gpu' ? ['gpu'] : ['cpu'];
