// PyTorch in a separate process. Requests and answers are lines of JSON. It waits for its standard input during the turn of ombre.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Card {
  readonly torch: string;
  readonly device: 'cuda' | 'cpu';
  readonly name: string;
  readonly threads: number;
  /** For a CUDA card: f32 lanes of each multiprocessor, and their highest clock in MHz if the driver reports it. */
  readonly multiprocessors?: number;
  readonly lanes?: number;
  readonly clock?: number | null;
}

export class TorchProcess {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private lastWords = '';

  constructor(python: string, script: string) {
    this.child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.lastWords = (this.lastWords + text).slice(-2000)));
    this.child.on('error', (error) => (this.lastWords += error.message));
    // A process that has ended does not read its input. ask() reports its last output.
    this.child.stdin!.on('error', () => {});
  }

  async ask<T>(request: object): Promise<T> {
    this.child.stdin!.write(`${JSON.stringify(request)}\n`);
    const { value, done } = (await this.lines.next()) as IteratorResult<string, undefined>;
    if (done)
      throw new Error(
        `PyTorch's process has ended: ${this.lastWords.trim() || 'it said nothing'}; --python names a Python with torch 1.13 or newer`,
      );
    const answer = JSON.parse(value) as T & { error?: string };
    if (answer.error) throw new Error(`PyTorch: ${answer.error}`);
    return answer;
  }

  /** Milliseconds of a step. It waits after every `burst` steps. */
  time = async (steps: number, burst: number): Promise<number> =>
    (await this.ask<{ milliseconds: number }>({ do: 'steps', steps, burst })).milliseconds;

  end(): void {
    this.child.stdin!.end();
  }
}
