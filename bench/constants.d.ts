/** Versions, written in by bundle.ts. */
declare const __OMBRE_VERSION__: string;
declare const __JAX_VERSION__: string;
