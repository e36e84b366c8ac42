// Every loss: those of one output each, and those over several outputs at once. Two files list them one by one.
export * from './outputLosses.ts';
export * from './jointLosses.ts';
