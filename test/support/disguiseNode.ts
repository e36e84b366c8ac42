// Disguises the adapters of Dawn in processes that tests start. Loaded before the program by `--import`.
import { disguise } from './disguise.ts';

const { OMBRE_PLAN: plan = '', OMBRE_SUBGROUPS: subgroups = '' } = process.env;
if (plan || subgroups) {
  const { globals } = (await import('webgpu')) as unknown as { globals: { GPU: { prototype: GPU } } };
  disguise(globals.GPU, { plan, subgroups });
}
