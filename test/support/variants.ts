// All kernels that a dispatch may choose among, written out.
export const variantsOf = <L>(alternatives: { readonly names: readonly string[]; variant(number: number): L } | undefined): L[] =>
  alternatives?.names.map((_, n) => alternatives.variant(n)) ?? [];
