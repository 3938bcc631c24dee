/** What was executed, as the workers wrote it down themselves. */
import { existsSync, readFileSync } from 'node:fs';

export interface LedgerLine {
  readonly kind: 'begin' | 'end' | 'aborted';
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  readonly key: string;
  readonly state: string;
  readonly pid: number;
  readonly worker: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

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
  for (const line of readLines(file)) {
    const holder = `${attemptOf(line)}/${line.pid}`;
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
