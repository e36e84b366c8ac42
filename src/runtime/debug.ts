// Switches of the runtimes for tests. Nothing here is public.

/** Set the switches before a device is opened. */
export const debug = {
  /** Bytes of the guard zone after each range that a dispatch writes. 0 means no guard zones. */
  guardBytes: 0,
  /** Default of the `tuning` option. Undefined means on GPUs only. */
  tuning: undefined as boolean | undefined,
  /** Maximum operations of a submit, and operations from which on a kernel can run in parts. Undefined means by time. */
  submitOperations: undefined as number | undefined,
  /** Flags for Dawn, in addition to the user's. */
  dawnFlags: [] as readonly string[],
};

/**
 * If the driver has robustBufferAccess2, like llvmpipe, Dawn drops stores beyond a binding. With this flag it moves them to the last element of
 * the binding, which is in the guard zone, as on other drivers.
 */
export const clampingFlag = 'disable-dawn-features=vulkan_use_buffer_robust_access_2';
