/**
 * What was executed, held against what may be: an attempt once, unless the worker that had it was killed, or stood still
 * for longer than the ack wait, in the middle of it. An execution whose result is the one in the log was over, whatever
 * became of its worker. A store that was lost takes results with it that the orchestrator had not recorded; what follows
 * from that is counted apart. Whatever the excuse, both executions carry one idempotency key.
 */

import type { Fault } from './faults.js';
import type { RunLog } from './histories.js';
import type { Execution, Ledger } from './ledger.js';
import type { Stage } from './stage.js';

const ackWaitMs = 10_000;
/** From the end of an execution on, where its worker did not hear of the result's being stored: killed within is killed in the middle. */
const reportingMs = 250;
const promise = 'no attempt is executed twice, but for its own worker';

export const judgeExecutions = (stage: Stage, log: RunLog, { executions, byAttempt }: Ledger): void => {
  const { findings, faults } = stage;
  const settled = settlements(log);
  const excuses = new Map<string, number>();
  let doubles = 0;
  for (const [attempt, all] of byAttempt) {
    findings.expect(
      new Set(all.map(({ key }) => key)).size === 1,
      'an attempt has one idempotency key',
      attempt,
    );
    for (const [index, again] of all.slice(1).entries()) {
      doubles += 1;
      const first = all[index] as Execution;
      const excuse = excuseOf(first, all, again, settled.get(attempt), faults.all);
      excuses.set(excuse ?? 'none', (excuses.get(excuse ?? 'none') ?? 0) + 1);
      if (excuse === undefined) findings.broken(promise, describe(first, again));
    }
  }
  findings.figure('attempts executed', byAttempt.size);
  findings.figure('executions', executions.length);
  findings.figure('double executions', doubles);
  for (const [excuse, count] of excuses) findings.figure(`double executions, excuse: ${excuse}`, count);
  judgeAfterEnd(stage, log, executions);
  judgePoison(stage, log, byAttempt);
};

/** A message is poison because workers died of it, and never because nobody has had it. */
const judgePoison = (
  stage: Stage,
  log: RunLog,
  byAttempt: ReadonlyMap<string, readonly Execution[]>,
): void => {
  for (const [runId, { events }] of log) {
    for (const { data } of events) {
      if (data.type !== 'step.failed' || data.error.code !== 'POISON_MESSAGE') continue;
      const tries = byAttempt.get(`${runId}/${data.stepId}/${data.attempt}`)?.length ?? 0;
      stage.findings.expect(
        tries > 1,
        'nothing is POISON_MESSAGE that was not begun again and again',
        `${runId} was begun ${tries} times`,
      );
    }
  }
};

const describe = (first: Execution, again: Execution): string =>
  `${first.run}/${first.state}#${first.attempt} by ${first.worker} (${first.endedAt === undefined ? 'no end' : `${first.endedAt - first.beganAt} ms`}), again after ${again.beganAt - first.beganAt} ms by ${again.worker}`;

/** What the log says of the end of an attempt. */
interface Settlement {
  readonly at: number;
  /** Of the execution whose result it is; absent where nobody had one. */
  readonly worker?: string;
  readonly startedAt?: number;
}

/** By run/step/attempt. */
const settlements = (log: RunLog): ReadonlyMap<string, Settlement> => {
  const settled = new Map<string, Settlement>();
  for (const [runId, { events }] of log) {
    for (const { at, data } of events) {
      if (data.type !== 'step.succeeded' && data.type !== 'step.failed') continue;
      const { worker, startedAt } = data;
      settled.set(`${runId}/${data.stepId}/${data.attempt}`, {
        at,
        ...(worker === undefined ? {} : { worker }),
        ...(startedAt === undefined ? {} : { startedAt }),
      });
    }
  }
  return settled;
};

/** A worker notes when it takes an attempt in hand, and begins it then. */
const isResultOf = (
  execution: Execution,
  all: readonly Execution[],
  settlement: Settlement | undefined,
): boolean => {
  const { worker, startedAt } = settlement ?? {};
  if (startedAt === undefined) return false;
  return all.find((each) => each.worker === worker && each.beganAt >= startedAt) === execution;
};

const excuseOf = (
  first: Execution,
  all: readonly Execution[],
  again: Execution,
  settlement: Settlement | undefined,
  faults: readonly Fault[],
): string | undefined => {
  const { beganAt, endedAt = Number.POSITIVE_INFINITY, worker, pid } = first;
  const overAt = first.reportedAt ?? endedAt + reportingMs;
  const own = faults.filter(({ label, at }) => label === worker && at <= again.beganAt);
  const isKilled = own.some(
    (fault) => fault.kind === 'kill' && fault.pid === pid && fault.struckAt >= beganAt && fault.at <= overAt,
  );
  if (isKilled && !isResultOf(first, all, settlement)) return 'its worker was killed';
  const isFrozen = own.some(
    ({ kind, at, until }) =>
      kind === 'freeze' && until - at >= ackWaitMs && at <= endedAt + reportingMs && until >= beganAt,
  );
  if (isFrozen) return 'its worker stood still for longer than the ack wait';
  const isWiped = faults.some(
    ({ kind, at, struckAt }) =>
      kind === 'wipe' &&
      struckAt >= beganAt &&
      at <= again.beganAt &&
      (settlement === undefined || settlement.at >= at),
  );
  return isWiped ? 'the store that held its result was lost' : undefined;
};

/** From the log's having a cancel until the last worker begins something of the run; who begins it asks the log. */
const maxAfterCancelMs = 2_000;

/**
 * A run that is cancelled schedules nothing more, and what it has in the queue is not begun. Counted from when the log had
 * the cancel: an orchestrator that is killed between its commit and that has told nobody.
 */
const judgeAfterEnd = (stage: Stage, log: RunLog, executions: readonly Execution[]): void => {
  const cancelledAt = new Map<string, number>();
  for (const [runId, { events }] of log) {
    const index = events.findIndex(({ data }) => data.type === 'run.cancelled');
    const cancelled = events[index];
    if (cancelled === undefined) continue;
    cancelledAt.set(runId, cancelled.storedAt);
    for (const { data } of events.slice(index))
      stage.findings.expect(
        data.type !== 'step.scheduled' && data.type !== 'step.started',
        'a cancelled run schedules nothing more',
        `${runId}: ${data.type}`,
      );
  }
  let longestMs = 0;
  for (const { run, state, worker, beganAt } of executions) {
    const endedAt = cancelledAt.get(run) ?? Number.POSITIVE_INFINITY;
    const afterMs = beganAt - endedAt;
    // Between its look at the log and the beginning.
    const wasFrozen = stage.faults.all.some(
      ({ kind, label, at, until }) =>
        kind === 'freeze' && label === worker && at <= beganAt && until >= endedAt,
    );
    if (wasFrozen) continue;
    longestMs = Math.max(longestMs, afterMs);
    stage.findings.expect(
      afterMs <= maxAfterCancelMs,
      'a cancelled run executes nothing more',
      `${run}/${state} ${afterMs} ms later`,
    );
  }
  stage.findings.figure('last execution after a cancel, ms', longestMs);
};
