/**
 * The judgement over a trial, from outside: the log, the orchestrator's database read after the fact, the api's answers
 * and the ledger of what was executed must tell one story, and every answer that a client got must have come true.
 */
import { isDeepStrictEqual } from 'node:util';
import { runStatus } from '@signalbox/engine';
import type { EventEnvelope } from '@signalbox/protocol';
import { audit, foldedRun, lastQueued, readLog, readStored } from '@signalbox/testing';
import { type Promised, runs } from './client.js';
import { judgeExecutions } from './executions.js';
import type { Stage } from './stage.js';

const endings: ReadonlySet<string> = new Set([
  'run.completed',
  'run.failed',
  'run.cancelled',
  'run.timed_out',
]);
const endedStatuses: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT']);
const restSeconds = 60;

export type RunLog = ReadonlyMap<string, readonly EventEnvelope[]>;

/** Waits until the platform has come to rest, then judges. Returns the log for further questions. */
export const settleAndAudit = async (stage: Stage, seconds = restSeconds): Promise<RunLog> => {
  const { findings, client, world } = stage;
  const startedIds = client.promised.filter(({ kind }) => kind === 'start').map(({ runId }) => runId);
  const isAtRest = await untilRest(stage, seconds);
  const isEmpty = await stage.within(
    isAtRest ? seconds : 1,
    'WORKFLOW_TASKS is empty at the end',
    async () => (await lastQueued(world.natsUrl)) === undefined,
  );
  if (!isEmpty)
    findings.figure('left in WORKFLOW_TASKS', (await lastQueued(world.natsUrl)) ?? 'nothing any more');
  const log = await readLog(world.natsUrl);
  findings.figure('runs started', startedIds.length);
  findings.figure('runs on the log', log.size);
  for (const [runId, events] of log) judgeRun(stage, runId, events);
  await judgeAnswers(stage, log);
  judgePromises(stage, log);
  judgeEndings(stage, log);
  judgeExecutions(stage, log);
  noteFaults(stage);
  return log;
};

/** Every run that was started has ended, as the api tells. */
const untilRest = async (stage: Stage, seconds: number): Promise<boolean> => {
  const openCount = async (): Promise<number> => {
    let count = 0;
    for (const status of [
      'PENDING',
      'RUNNING',
      'WAITING_APPROVAL',
      'WAITING_SIGNAL',
      'PAUSED',
      'ROLLING_BACK',
    ]) {
      const answer = await stage.client.request('GET', `${runs}?status=${status}&limit=200`);
      if (answer?.status !== 200) return Number.POSITIVE_INFINITY;
      count += answer.body.items.length;
    }
    return count;
  };
  const isAtRest = await stage.within(seconds, 'all runs end', async () => (await openCount()) === 0);
  if (!isAtRest) stage.findings.figure('runs that have not ended', await openCount());
  return isAtRest;
};

const judgeRun = (stage: Stage, runId: string, events: readonly EventEnvelope[]): void => {
  const { findings } = stage;
  const { sequences, state } = audit(events);
  const isGapFree = sequences.every((sequence, index) => sequence === index + 1);
  findings.expect(
    isGapFree,
    'the history of a run has no gap',
    `${runId} has ${sequences.join(',').slice(0, 200)}`,
  );
  const unique = [...new Map(events.map((event) => [event.sequence, event])).values()];
  const repeated = events.length - unique.length;
  findings.expect(
    repeated === 0,
    'no event is stored twice',
    () => `${runId}: ${repeated} of ${events.length}`,
  );
  const bySequence = new Map<number, EventEnvelope>();
  for (const event of events) {
    const known = bySequence.get(event.sequence);
    if (known !== undefined && !isDeepStrictEqual(known.data, event.data))
      findings.broken('a sequence has one event', `${runId} has two under ${event.sequence}`);
    bySequence.set(event.sequence, event);
  }
  const endCount = unique.filter(({ data }) => endings.has(data.type)).length;
  findings.expect(
    endCount === 1,
    'a run has one ending',
    () => `${runId} has ${endCount} and is ${runStatus(state)}`,
  );
  try {
    const stored = readStored(stage.databaseFile, runId);
    const folded = foldedRun(state, stored.steps.keys());
    findings.expect(
      isDeepStrictEqual(folded, stored),
      'folding the log gives the rows in SQLite',
      () => `${runId}: ${folded.status} at ${folded.seq}, the rows say ${stored.status} at ${stored.seq}`,
    );
  } catch (error) {
    findings.broken('every run of the log is in SQLite', `${runId}: ${String(error)}`);
  }
};

/** What the api says of each run is what the log says. */
const judgeAnswers = async (stage: Stage, log: RunLog): Promise<void> => {
  const counts: Record<string, number> = {};
  for (const [runId, events] of log) {
    const { state } = audit(events);
    const folded = { status: runStatus(state), sequence: state.seq };
    counts[folded.status] = (counts[folded.status] ?? 0) + 1;
    const answer = await stage.client.request('GET', `${runs}/${runId}`);
    const told = { status: answer?.body?.status, sequence: answer?.body?.sequence };
    stage.findings.expect(
      isDeepStrictEqual(told, folded),
      'the api tells what the log tells',
      () => `${runId}: ${JSON.stringify(told)} for ${JSON.stringify(folded)}`,
    );
  }
  for (const [status, count] of Object.entries(counts)) stage.findings.figure(`runs ${status}`, count);
};

/** 202 says that the command is in the stream: if that store is lost before it is confirmed, so is the command. */
const isLostWithTheStore = (stage: Stage, { status, answeredAt }: Promised): boolean =>
  status === 202 && stage.faults.all.some(({ kind, until }) => kind === 'wipe' && answeredAt < until);

const judgePromises = (stage: Stage, log: RunLog): void => {
  const { findings, client } = stage;
  for (const promise of client.promised) {
    const events = log.get(promise.runId);
    const isExcused = isLostWithTheStore(stage, promise);
    if (events === undefined) {
      findings.expect(isExcused, `a ${promise.kind} that was answered is there`, promise.runId);
      continue;
    }
    const types = new Set<string>(events.map(({ data }) => data.type));
    if (promise.kind === 'cancel') {
      const isKept = types.has('run.cancelled') || (types.has('run.command_refused') && hasEnded(events));
      findings.expect(
        isKept || isExcused,
        'a cancel that was answered stops the run',
        () => `${promise.runId} ends with ${lastType(events)}`,
      );
    }
    if (promise.kind === 'approve') judgeDecision(stage, promise, events, isExcused);
  }
  const count = (kind: Promised['kind']): number =>
    client.promised.filter((each) => each.kind === kind).length;
  for (const kind of ['cancel', 'approve', 'signal'] as const)
    findings.figure(`answered: ${kind}`, count(kind));
};

const hasEnded = (events: readonly EventEnvelope[]): boolean =>
  endedStatuses.has(runStatus(audit(events).state));

const lastType = (events: readonly EventEnvelope[]): string => events.at(-1)?.data.type ?? 'nothing';

const judgeDecision = (
  stage: Stage,
  promise: Promised,
  events: readonly EventEnvelope[],
  isExcused: boolean,
): void => {
  const about = events.filter(({ data }) => 'approvalId' in data && data.approvalId === promise.approvalId);
  const types = new Set<string>(about.map(({ data }) => data.type));
  const isKept =
    types.has('approval.approved') || types.has('approval.decision_refused') || types.has('approval.closed');
  // A run that ended otherwise has closed its approvals with its own ending.
  const isMoot = events.some(({ data }) => data.type === 'run.cancelled' || data.type === 'run.timed_out');
  stage.findings.expect(
    isKept || isMoot || isExcused,
    'a decision that was answered counts, or is refused with a reason',
    () => `${promise.runId} ${[...types].join(',')}`,
  );
};

/** A run that nobody cancelled ends as its workflow says, whatever struck meanwhile. */
const judgeEndings = (stage: Stage, log: RunLog): void => {
  const cancelled = new Set(
    stage.client.promised.flatMap(({ kind, runId }) => (kind === 'cancel' ? [runId] : [])),
  );
  for (const { kind, runId, workflow } of stage.client.promised) {
    const events = log.get(runId);
    if (kind !== 'start' || events === undefined || cancelled.has(runId)) continue;
    const { state } = audit(events);
    const wanted = workflow?.startsWith('failing') === true ? 'FAILED' : 'COMPLETED';
    const reason = events.find(({ data }) => data.type === 'step.failed')?.data;
    stage.findings.expect(
      !hasEnded(events) || runStatus(state) === wanted,
      'a run ends as its workflow says',
      () => `${runId} (${workflow}) is ${runStatus(state)} ${JSON.stringify(reason ?? '').slice(0, 200)}`,
    );
  }
};

const noteFaults = (stage: Stage): void => {
  const counts = new Map<string, number>();
  for (const { kind, label } of stage.faults.all) {
    const name = `faults: ${kind} ${label}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const [name, count] of counts) stage.findings.figure(name, count);
};
