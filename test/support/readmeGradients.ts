// The script of the README about gradients, in TypeScript: with the types of its parameters, and nothing else.
import {
  type Tensor,
  abs,
  compile,
  grad,
  losses,
  mean,
  random,
  scalar,
  setSeed,
  sub,
  tensor,
  valueAndGrad,
  zeros,
} from '../../src/index.ts';

type Line = { w: Tensor; b: Tensor };
// The README begins here.
const cube = (x: Tensor) => x.pow(3);
console.log(await grad(cube)(scalar(2)).item(), await grad(grad(cube))(scalar(2)).item()); // 12 12

// A line through noisy points, by the mean of |error|^1.5.
setSeed(1);
const x = random.uniform([256, 1]);
const y = x
  .mul(3)
  .add(2)
  .add(random.normal([256, 1], { stddev: 0.1 }));
const loss = ({ w, b }: Line) => mean(abs(sub(y, x.matmul(w).add(b))).pow(1.5));
const step = compile(
  (line: Line, rate: number) => {
    const [value, gradient] = valueAndGrad(loss)(line);
    return [{ w: line.w.sub(gradient.w.mul(rate)), b: line.b.sub(gradient.b.mul(rate)) }, value];
  },
  { donate: [0] },
);
let line = { w: zeros([1, 1]), b: zeros([1]) };
let value = scalar(0);
for (let i = 0; i < 400; i++) [line, value] = await step(line, 0.3);
console.log(await line.w.item(), await line.b.item(), await value.item()); // about 3, 2, 0.03

// The losses of the library are functions too.
console.log(
  await losses
    .huber()(tensor([0, 1]), tensor([0.5, 3]))
    .item(),
);
