/**
 * Checks the subjects of the commits of a change: `area: imperative, what changed`, at most 72 characters. The change is everything between
 * HEAD and the main branch, or the given revision: `node --import tsx scripts/checkSubjects.ts REVISION`.
 */
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

const maxLength = 72;

/** Imperatives that end like a participle or a third person. */
const imperatives =
  /^(?:address|bring|bypass|compress|discuss|embed|express|feed|focus|need|pass|process|seed|shed|speed|string|suppress)$/;

/** Complaint about a subject, or undefined. */
export function complaint(subject: string): string | undefined {
  if (subject.length > maxLength) return `has ${subject.length} characters; write at most ${maxLength} and move the rest into the body`;
  const [, verb] = /^[\w./ -]+(?:, [\w./ -]+)*: ([\w-]+)/.exec(subject) ?? [];
  if (verb === undefined) return "does not start with an area; write 'area: imperative, what changed'";
  if (/(?:ed|ing|[^s]s)$/.test(verb) && !imperatives.test(verb))
    return `'${verb}' is not an imperative; write 'area: imperative, what changed'`;
  if (subject.endsWith('.')) return 'ends with a full stop; leave it out';
  return undefined;
}

const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

function attempt(...args: string[]): string | undefined {
  try {
    return git(...args);
  } catch {
    return undefined;
  }
}

/** The commit before the change, or the reason why there is none. */
function startOfChange(revision?: string): { base: string } | { reason: string } {
  const head = attempt('rev-parse', 'HEAD');
  if (head === undefined) return { reason: 'this is not a git checkout' };
  const candidates = revision === undefined ? ['origin/main', 'main'] : [revision];
  const bases = candidates.flatMap((name) => attempt('merge-base', name, 'HEAD') ?? []);
  if (bases.length === 0) return { reason: `no common commit with ${candidates.join(' or ')}; a shallow clone has none` };
  const base = bases.find((commit) => commit !== head);
  return base === undefined ? { reason: 'HEAD is on the main branch' } : { base };
}

/** Prints complaints, or the reason why nothing was checked. Returns whether there are no complaints. */
function check(revision?: string): boolean {
  const start = startOfChange(revision);
  if ('reason' in start) {
    console.log(`commit subjects: nothing to check, ${start.reason}`);
    return true;
  }
  const subjects = git('log', '--no-merges', '--format=%s', `${start.base}..HEAD`).split('\n').filter(Boolean);
  const complaints = subjects.flatMap((subject) => {
    const found = complaint(subject);
    return found ? [`  ${subject}\n    ${found}`] : [];
  });
  console.log(`commit subjects: ${subjects.length} checked, ${complaints.length} refused`);
  if (complaints.length > 0) console.log(complaints.join('\n'));
  return complaints.length === 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href && !check(process.argv[2])) process.exitCode = 1;
