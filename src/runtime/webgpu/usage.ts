// Flags of WebGPU. Its own constants (GPUBufferUsage, GPUMapMode, GPUShaderStage) are globals, which Node does not have.

const mapRead = 0x01;
const copySource = 0x04;
const copyTarget = 0x08;
const uniform = 0x40;
const storage = 0x80;
const queryResolve = 0x200;

/** Usage flags of the buffers of this runtime. */
export const bufferUsage = {
  /** Values of tensors and scratch memory. */
  values: storage | copySource | copyTarget,
  /** Read by the host. */
  readback: mapRead | copyTarget,
  /** Params and scalars of programs. */
  uniforms: uniform | storage | copyTarget,
  /** Params of launches that are timed. */
  timedUniforms: uniform | copyTarget,
  /** Operands of launches that are timed. */
  timedOperands: storage,
  timestamps: queryResolve | copySource,
  /** Bits that guard zones are filled with. */
  guardPattern: copySource | copyTarget,
} as const;

/** GPUMapMode.READ */
export const mapForReading = 1;

/** GPUShaderStage.COMPUTE */
export const computeStage = 4;
