// Switches of the WebGPU runtime for tests. An application leaves them alone; nothing here is public.

/** Set the switches before a device is opened. */
export const debug = {
  /** Bytes of the guard zone after each range that a dispatch writes. 0 means no guard zones. */
  guardBytes: 0,
  /** Whether kernels are timed where the user says nothing. Undefined means on GPUs only. */
  tuning: undefined as boolean | undefined,
  /** Flags for Dawn, beside those of the user. */
  dawnFlags: [] as readonly string[],
};

/**
 * Dawn drops stores beyond a binding where the driver has robustBufferAccess2, as llvmpipe has. With this flag it moves them to the last element of
 * the binding, as it does elsewhere. The guard zone is there.
 */
export const clampingFlag = 'disable-dawn-features=vulkan_use_buffer_robust_access_2';
