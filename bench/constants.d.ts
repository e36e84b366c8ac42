/** Versions. bundle.ts writes them. */
declare const __OMBRE_VERSION__: string;
declare const __JAX_VERSION__: string;
/** Folder of the modules of TensorFlow.js's wasm backend: a path in Node, a URL in a page. */
declare const __TFJS_WASM__: string;
