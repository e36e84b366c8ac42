// The kind of kernel that a group becomes. Fusion may change it with every merge, so it is decided when the group is lowered.
import type { Target } from '../graph/op.ts';
import type { Node } from '../graph/tensor.ts';
import type { Group } from './groups.ts';
import { type ReductionPlan, planReduction } from './planReduction.ts';
import { type RowsPlan, planRows } from './planRows.ts';
import type { Sources } from './views.ts';

export type GroupPlan =
  /** One invocation per element, or per four of them. */
  | { readonly kind: 'elementwise' }
  /** Kernels of a family, with the members as epilogue of the last one. */
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
