// For processes that tests start: loaded before the program by `--import`, it disguises the adapters of Dawn.
import { disguise } from './disguise.ts';

const { OMBRE_PLAN: plan = '', OMBRE_SUBGROUPS: subgroups = '' } = process.env;
if (plan || subgroups) {
  const { globals } = (await import('webgpu')) as unknown as { globals: { GPU: { prototype: GPU } } };
  disguise(globals.GPU, { plan, subgroups });
}
