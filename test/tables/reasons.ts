// Reasons why an op has no gradient, or a gradient of 0, if its dtypes do not show it. An op from floats to floats needs a derivative or a
// reason.
export const statedReasons: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['floor', 'ceil', 'round', 'trunc', 'floorDiv', 'truncDiv'].map((name) => [name, '0: constant between jumps'])),
  sign: '0: constant on each side of 0',
  reciprocalScale: '0: constant between powers of two',
  stopGradient: '0: what it is for',
  zerosLike: '0: takes only the type of x',
  'random.beta': '0: alpha and beta decide which candidate is accepted',
  onesLike: '0: takes only the type of x',
};
