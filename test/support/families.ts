// The classes of kernels that this run tests: those for CPU-implemented adapters, those for GPUs, or both.
import { inject } from 'vitest';

const plan = inject('plan');

/** A software adapter runs its own kernels in one stage and, disguised, those for GPUs in another. Hardware runs both in one. */
export const families: readonly ('cpu' | 'gpu')[] = plan === 'both' ? ['cpu', 'gpu'] : plan === 'gpu' ? ['gpu'] : ['cpu'];
