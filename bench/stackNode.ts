// Jobs in Node, each in a child process with Dawn.
import { fork } from 'node:child_process';
import { setUp } from '../scripts/setup.ts';
import { bundle } from './bundle.ts';
import type { EngineName, Job, StackDevice } from './inside/job.ts';
import type { Answer, Outcome, Stack } from './stack.ts';

type Message = Answer | { readonly turn: EngineName };

/** On the CPU no Vulkan driver is used. */
export async function openNode(device: StackDevice): Promise<Stack> {
  if (device === 'cpu') {
    const path = await bundle('process');
    return {
      name: 'cpu',
      device,
      description: `Node ${process.versions.node}, WebAssembly and JavaScript on the CPU`,
      run: (job, seconds) => runChild(path, process.env, job, seconds),
    };
  }
  const { vulkan: found } = await setUp(['vulkan']);
  if (!found || 'missing' in found) throw new Error(`no Vulkan driver: ${found?.missing}`);
  const path = await bundle('process');
  const env = { ...process.env, ...found.env };
  return {
    name: 'node',
    device,
    description: `Node ${process.versions.node}, Dawn, ${found.adapter}`,
    // Mesa stores compiled shaders on disk. A first step must not use them.
    run: (job, seconds) => runChild(path, job.kind === 'solo' ? { ...env, MESA_SHADER_CACHE_DISABLE: 'true' } : env, job, seconds),
  };
}

function runChild<J extends Job>(path: string, env: NodeJS.ProcessEnv, job: J, seconds: number): Promise<Outcome<J>> {
  return new Promise((resolve) => {
    // The engines and Dawn write to both streams. Only the text before a crash is needed.
    const child = fork(path, { env, execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let turn: EngineName | undefined;
    let lastWords = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (lastWords = (lastWords + text).slice(-2000)));
    const timer = setTimeout(() => {
      resolve({ error: `no answer after ${seconds} s`, crashed: true, turn });
      child.kill('SIGKILL');
    }, seconds * 1000);
    child.on('message', (message: Message) => {
      if ('turn' in message) turn = message.turn;
      else resolve({ crashed: false, turn, ...message } as Outcome<J>);
    });
    child.on('error', (error) => resolve({ error: error.message, crashed: true, turn }));
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      resolve({ error: `the process ended with ${signal ?? code}: ${complaint(lastWords)}`, crashed: true, turn });
    });
    child.send(job);
  });
}

/** The most useful line: the first one that is neither a warning of Dawn nor a line of a stack trace. */
const complaint = (text: string): string =>
  text.split('\n').find((line) => line.trim() !== '' && !/^\s*(Warning:|at |\d+: |#\d+ )/.test(line)) ?? 'it said nothing';
