// Decides which kind of kernel a group becomes. Each merge may change it, so it is decided when the group is lowered.
import type { Target } from '../graph/op.ts';
import type { Node } from '../graph/tensor.ts';
import type { Group } from './groups.ts';
import { type ReductionPlan, planReduction } from './planReduction.ts';
import { type RowsPlan, planRows } from './planRows.ts';
import type { Sources } from './views.ts';

export type GroupPlan =
  /** Each invocation computes one or four elements on a GPU, and a run of elements on a CPU-implemented device. */
  | { readonly kind: 'elementwise' }
  /** The kernels of a family. The members are the epilogue of the last one. */
  | { readonly kind: 'kernel'; readonly anchor: Node }
  /** Several reductions of one domain, or items that are stored: one kernel that loops over the items of each row. */
  | { readonly kind: 'rows'; readonly rows: RowsPlan }
  /** One reduction in one or two passes. */
  | { readonly kind: 'reduction'; readonly made: Node; readonly reduction: ReductionPlan };

export function planGroup(group: Group, target: Target, sources: Sources): GroupPlan {
  if (group.anchor) return { kind: 'kernel', anchor: group.anchor };
  const [made] = group.reductions as readonly (Node | undefined)[];
  if (!made) return { kind: 'elementwise' };
  const rows = planRows(group, target, sources);
  return rows ? { kind: 'rows', rows } : { kind: 'reduction', made, reduction: planReduction(made, target) };
}
