/** What was executed, as the workers wrote it down themselves. */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

interface OfAttempt {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  readonly pid: number;
  readonly worker: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

interface OfExecution extends OfAttempt {
  readonly kind: 'begin' | 'end' | 'aborted';
  readonly key: string;
  readonly state: string;
}

/** The stream has acknowledged the result. */
interface Reported extends OfAttempt {
  readonly kind: 'reported';
}

export type LedgerLine = OfExecution | Reported;

/** One execution of one attempt by one process. */
export interface Execution {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  readonly key: string;
  readonly state: string;
  readonly pid: number;
  readonly worker: string;
  readonly beganAt: number;
  /** Absent when the process died in the middle. */
  readonly endedAt?: number;
  /** Absent when the process died before it knew that its result was stored. */
  readonly reportedAt?: number;
  readonly isAborted: boolean;
}

const attemptOf = ({ run, step, attempt }: Pick<Execution, 'run' | 'step' | 'attempt'>): string =>
  `${run}/${step}/${attempt}`;

export interface Ledger {
  readonly executions: readonly Execution[];
  /** In order of their beginnings, by attempt. */
  readonly byAttempt: ReadonlyMap<string, readonly Execution[]>;
}

export const readLedger = (file: string): Ledger => {
  const executions: Execution[] = [];
  const open = new Map<string, number[]>();
  const ended = new Map<string, number>();
  for (const line of readLines(file)) {
    const holder = `${attemptOf(line)}/${line.pid}`;
    if (line.kind === 'reported') {
      const index = ended.get(holder) ?? -1;
      const over = executions[index];
      if (over !== undefined) executions[index] = { reportedAt: line.at, ...over };
      continue;
    }
    if (line.kind === 'begin') {
      const { kind: _, at: beganAt, ...about } = line;
      open.set(holder, [...(open.get(holder) ?? []), executions.length]);
      executions.push({ ...about, beganAt, isAborted: false });
      continue;
    }
    const index = open.get(holder)?.shift();
    const begun = index === undefined ? undefined : executions[index];
    if (index === undefined || begun === undefined) continue;
    executions[index] = { ...begun, endedAt: line.at, isAborted: line.kind === 'aborted' };
    ended.set(holder, index);
  }
  const byAttempt = new Map<string, Execution[]>();
  for (const execution of executions) {
    const key = attemptOf(execution);
    const known = byAttempt.get(key);
    if (known === undefined) byAttempt.set(key, [execution]);
    else known.push(execution);
  }
  return { executions, byAttempt };
};

const readLines = (file: string): readonly LedgerLine[] => {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line) as LedgerLine]));
};

/** In bytes: a place to count from. */
export const ledgerSize = (file: string): number => (existsSync(file) ? statSync(file).size : 0);

/** Executions that have ended since the ledger had this size. */
export const endCountSince = (file: string, from: number): number => {
  const rest = Buffer.alloc(Math.max(0, ledgerSize(file) - from));
  if (rest.length === 0) return 0;
  const opened = openSync(file, 'r');
  try {
    readSync(opened, rest, 0, rest.length, from);
  } finally {
    closeSync(opened);
  }
  return rest.toString().split('"kind":"end"').length - 1;
};
