// Weights on the host, between a file and a model.
import type { HostArray } from '../../core/dtype.ts';
import type { Shape } from '../../core/shape.ts';

/** Numbers of one weight. */
export interface HostWeight {
  readonly shape: Shape;
  readonly data: HostArray;
}
