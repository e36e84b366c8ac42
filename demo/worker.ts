// The trainer in a worker, so that it never blocks the page.
import type { Command, TrainerEvent } from './protocol.ts';
import { createTrainer } from './trainer.ts';

const send = (event: TrainerEvent): void => self.postMessage(event);
const receive = createTrainer(send);
self.onmessage = ({ data }: MessageEvent<Command>) => receive(data);
