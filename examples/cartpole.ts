// A deep Q-network learns to balance a pole on a cart. Mnih et al., Human-level control through deep reinforcement learning, 2015. The goals are
// those of Van Hasselt, Guez and Silver, Deep reinforcement learning with double Q-learning, 2016. The equations of the cart are those of Barto,
// Sutton and Anderson, 1983.
import {
  type Model,
  type Tensor,
  layers,
  losses,
  mul,
  oneHot,
  optimizers,
  random,
  schedules,
  sequential,
  setSeed,
  sum,
  tensor,
} from 'ombre';
import type { Figures, Run } from './example.ts';

/** Position and speed of the cart, angle and angular speed of the pole. */
type State = readonly [number, number, number, number];

/** The state after 0.02 s with a push of 10 N to the left or right. */
function push([x, v, angle, spin]: State, toRight: boolean): State {
  const [force, cart, pole, half] = [toRight ? 10 : -10, 1, 0.1, 0.5];
  const [sine, cosine, mass] = [Math.sin(angle), Math.cos(angle), cart + pole];
  const pressure = (force + pole * half * spin ** 2 * sine) / mass;
  const turn = (9.8 * sine - cosine * pressure) / (half * (4 / 3 - (pole * cosine ** 2) / mass));
  const speedUp = pressure - (pole * half * turn * cosine) / mass;
  return [x + 0.02 * v, v + 0.02 * speedUp, angle + 0.02 * spin, spin + 0.02 * turn];
}

const tensorOf = (states: readonly State[]): Tensor => tensor(states.map((state) => [...state]));

const hasFallen = ([x, , angle]: State): boolean => Math.abs(x) > 2.4 || Math.abs(angle) > 0.2095;
const longest = 500;

interface Move {
  readonly state: State;
  readonly action: number;
  readonly next: State;
  readonly ended: boolean;
}

/** A row of random numbers in [0, 1) that is drawn in large pieces. */
async function* numbers(): AsyncGenerator<number, never> {
  for (;;) yield* (await random.uniform([8192]).data()) as Float32Array;
}

/** A state near the middle, with the pole nearly upright. */
async function startOf(draw: () => Promise<number>): Promise<State> {
  const near = async (): Promise<number> => 0.1 * (await draw()) - 0.05;
  return [await near(), await near(), await near(), await near()];
}

const network = (units: number): Model =>
  sequential([
    layers.dense({ units, activation: 'relu', inputShape: [4] }),
    layers.dense({ units, activation: 'relu' }),
    layers.dense({ units: 2 }),
  ]);

/** Steps until the pole falls, at most 500, for carts that take the better action each time. */
async function balance(model: Model, carts: number, draw: () => Promise<number>): Promise<number> {
  const states: State[] = [];
  for (let i = 0; i < carts; i++) states.push(await startOf(draw));
  const steps = states.map(() => 0);
  for (let t = 0; t < longest && states.some((state) => !hasFallen(state)); t++) {
    const values = (await model.predict(tensorOf(states)).array()) as number[][];
    states.forEach((state, i) => {
      if (hasFallen(state)) return;
      states[i] = push(state, values[i][1] > values[i][0]);
      steps[i]++;
    });
  }
  return steps.reduce((a, b) => a + b) / carts;
}

/** Figures: the mean number of steps of 20 carts, at most 500, before and after the training. Both sizes are the same. */
export async function cartpole({ print, plot }: Run): Promise<Figures> {
  setSeed(1);
  const source = numbers();
  const draw = async (): Promise<number> => (await source.next()).value;
  const [rounds, carts, batchSize, units] = [500, 8, 64, 24];
  const [actor, target] = [network(units), network(units)];

  // A fall gives the reward -1 and every other step 0, so that values stay within -1 and 0. The loss is that of the action that was taken: its
  // value is the reward plus 0.995 of the value of the next state. The actor chooses the next action, and an older network gives its value.
  const huber = losses.huber();
  actor.compile({
    optimizer: optimizers.adam({ learningRate: schedules.cosineDecay({ initialLearningRate: 2e-3, decaySteps: rounds }) }),
    loss: (taken, values) => {
      const action = taken.slice([0, 0], [taken.shape[0], 1]).reshape([-1]);
      const goal = taken.slice([0, 1], [taken.shape[0], 2]).reshape([-1]);
      return huber(goal, sum(mul(values, oneHot(action.cast('i32'), 2)), { axis: 1 }));
    },
  });
  const before = await balance(actor, 20, draw);
  let best = { steps: before, weights: await actor.getWeights() };

  const memory: Move[] = [];
  const states = await Promise.all(Array.from({ length: carts }, () => startOf(draw)));
  const ages = states.map(() => 0);
  for (let round = 0; round < rounds; round++) {
    if (round % 25 === 0) await target.setWeights(await actor.getWeights());
    const values = (await actor.predict(tensorOf(states)).array()) as number[][];
    const exploring = Math.max(0.05, 1 - round / (0.4 * rounds));
    for (const [i, state] of states.entries()) {
      const action = (await draw()) < exploring ? Number((await draw()) < 0.5) : Number(values[i][1] > values[i][0]);
      const next = push(state, action === 1);
      const ended = hasFallen(next);
      memory.push({ state, action, next, ended });
      states[i] = ended || ++ages[i] >= longest ? await startOf(draw) : next;
      if (states[i] !== next) ages[i] = 0;
    }
    if (memory.length < 4 * batchSize) continue;
    if (memory.length > 20_000) memory.splice(0, carts);
    const batch: Move[] = [];
    for (let i = 0; i < batchSize; i++) batch.push(memory[Math.floor((await draw()) * memory.length)]);
    const nexts = tensorOf(batch.map(({ next }) => next));
    const [later, better] = (await Promise.all([target.predict(nexts).array(), actor.predict(nexts).array()])) as number[][][];
    const goals = batch.map(({ action, ended }, i) => [action, ended ? -1 : 0.995 * later[i][Number(better[i][1] > better[i][0])]]);
    await actor.trainOnBatch(tensorOf(batch.map(({ state }) => state)), tensor(goals));
    if ((round + 1) % (rounds / 10) > 0) continue;
    const steps = await balance(actor, 20, draw);
    print(`round ${round + 1}: ${steps.toFixed(0)} steps`);
    plot('Mean steps until the pole falls', { round: round + 1, steps });
    if (steps > best.steps) best = { steps, weights: await actor.getWeights() };
  }
  // The values still change late in the training, so the best network of these rounds is kept. New carts test it.
  await actor.setWeights(best.weights);
  return { before, after: await balance(actor, 20, draw) };
}
