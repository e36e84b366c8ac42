// Workers for examples. One is always ready, and each runs one example: a stop ends its worker, so no later message can arrive.
import type { DeviceChoice } from '../protocol.ts';
import type { Command, WorkerEvent } from './protocol.ts';

export interface Runner {
  /** Chooses the device of the next run. */
  useDevice(device: DeviceChoice): void;
  run(command: Omit<Extract<Command, { type: 'run' }>, 'type'>): void;
  /** Ends the run at once, and frees the memory of its device. */
  stop(): void;
}

export function createRunner(receive: (event: WorkerEvent) => void): Runner {
  let device: DeviceChoice = 'auto';
  let worker: Worker | undefined;
  let isRunning = false;
  const send = (command: Command): void => worker?.postMessage(command);

  const end = (): void => {
    if (!worker) return;
    worker.onmessage = worker.onerror = null;
    worker.terminate();
    worker = undefined;
    isRunning = false;
  };
  const prepare = (): void => {
    worker ??= start();
    send({ type: 'device', device });
  };
  const start = (): Worker => {
    const started = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'ombre example' });
    started.onmessage = ({ data }: MessageEvent<WorkerEvent>) => {
      receive(data);
      // A worker that has run an example is replaced, so that the next run has all memory, and starts alike.
      if (isRunning && (data.type === 'finished' || data.type === 'failed')) restart();
    };
    started.onerror = (event) => {
      end();
      receive({ type: 'failed', message: `the worker failed: ${event.message || 'its script could not be loaded'}` });
    };
    return started;
  };
  const restart = (): void => {
    end();
    prepare();
  };

  return {
    useDevice(choice) {
      device = choice;
      prepare();
    },
    run(command) {
      if (!worker) prepare();
      isRunning = true;
      send({ type: 'run', ...command });
    },
    stop: restart,
  };
}
