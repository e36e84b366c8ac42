// The command buffers of one run. They are submitted after all of them are encoded, so an error while encoding changes nothing.

export class Commands {
  encoder: GPUCommandEncoder;
  private readonly finished: GPUCommandBuffer[] = [];
  private readonly device: GPUDevice;
  private readonly label: string;

  constructor(device: GPUDevice, label: string) {
    this.device = device;
    this.label = label;
    this.encoder = device.createCommandEncoder({ label });
  }

  /** Ends the current command buffer and begins another one. */
  cut(): void {
    this.finished.push(this.encoder.finish());
    this.encoder = this.device.createCommandEncoder({ label: this.label });
  }

  finish(): GPUCommandBuffer[] {
    return [...this.finished, this.encoder.finish()];
  }
}
