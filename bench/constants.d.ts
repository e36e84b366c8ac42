/** Versions. bundle.ts writes them. */
declare const __OMBRE_VERSION__: string;
declare const __JAX_VERSION__: string;
