// Starts the trainer: in a worker, or in the page if the browser has WebGPU only there.
import type { Command, TrainerEvent } from './protocol.ts';

export interface Connection {
  send(command: Command): void;
}

export async function connect(onEvent: (event: TrainerEvent) => void): Promise<Connection> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'ombre trainer' });
  const hasWebGpu = await new Promise<boolean>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<TrainerEvent>) => data.type === 'ready' && resolve(data.hasWebGpu);
    worker.onerror = (event) =>
      reject(new Error(`the training worker did not start: ${event.message || 'its script could not be loaded'}`));
  });
  if (!hasWebGpu && 'gpu' in navigator) {
    worker.terminate();
    const { createTrainer } = await import('./trainer.ts');
    return { send: createTrainer(onEvent) };
  }
  worker.onmessage = ({ data }: MessageEvent<TrainerEvent>) => onEvent(data);
  worker.onerror = (event) => onEvent({ type: 'problem', message: `the training worker failed: ${event.message}` });
  return { send: (command) => worker.postMessage(command) };
}
