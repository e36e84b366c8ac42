// All kernels that a dispatch may choose from.
export const variantsOf = <L>(alternatives: { readonly names: readonly string[]; variant(number: number): L } | undefined): L[] =>
  alternatives?.names.map((_, n) => alternatives.variant(n)) ?? [];
