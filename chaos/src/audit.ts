/**
 * The judgement over a trial, from outside: the log, the orchestrator's database read after the fact, the api's answers
 * and the ledger of what was executed must tell one story, and every answer that a client got must have come true.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { TransientError } from '@signalbox/messaging';
import { isLogWhole, lastQueued } from '@signalbox/testing';
import { type Answer, type Promised, runs } from './client.js';
import { readRunIds } from './database.js';
import { judgeExecutions } from './executions.js';
import { type History, hasEnded, type RunLog, readHistories, statusOf } from './histories.js';
import { type Ledger, readLedger } from './ledger.js';
import { isLostWithTheStore } from './lost-with-store.js';
import { isAlive } from './programs.js';
import { maxWaitFactor, type Stage } from './stage.js';

const restSeconds = 60;
/** Of a process that has ended by itself. */
const lastLineCount = 5;

/** Waits until the platform has come to rest, then judges. Returns the log for further questions. */
export const settleAndAudit = async (stage: Stage, seconds = restSeconds): Promise<RunLog> => {
  const { findings, client, world } = stage;
  const startedIds = client.promised.filter(({ kind }) => kind === 'start').map(({ runId }) => runId);
  const isAtRest = await untilRest(stage, seconds);
  const isEmpty = await stage.within(
    isAtRest ? seconds : 1,
    'WORKFLOW_TASKS is empty at the end',
    async () => (await lastLeft(world.natsUrl)) === undefined,
  );
  if (!isEmpty)
    findings.figure('left in WORKFLOW_TASKS', (await lastLeft(world.natsUrl)) ?? 'nothing any more');
  // A store that was lost at last is filled again while runs go on: the longer the log, the longer.
  await stage.within(seconds, 'the log is whole at the end', () => isWhole(world.natsUrl));
  const log = await readHistories(stage);
  findings.figure('runs started', startedIds.length);
  findings.figure('runs on the log', log.size);
  await judgeAnswers(stage, log);
  const ledger = readLedger(stage.ledgerFile);
  judgePromises(stage, log, ledger);
  judgeEndings(stage, log);
  judgeExecutions(stage, log, ledger);
  noteFaults(stage);
  judgeProcesses(stage);
  return log;
};

/** A stream that was lost just now may not be there again yet. */
const lastLeft = async (natsUrl: string): Promise<string | undefined> => {
  try {
    return await lastQueued(natsUrl);
  } catch (error) {
    if (error instanceof TransientError) return 'cannot be read';
    throw error;
  }
};

const isWhole = async (natsUrl: string): Promise<boolean> => {
  try {
    return await isLogWhole(natsUrl);
  } catch (error) {
    if (error instanceof TransientError) return false;
    throw error;
  }
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

const askAgainMs = 500;
const maxQuestions = 20;

/** An api that is busy says so. */
const answerOf = async ({ client }: Stage, path: string): Promise<Answer | undefined> => {
  for (let count = 1; ; count += 1) {
    const answer = await client.request('GET', path);
    if ((answer !== undefined && answer.status !== 503) || count === maxQuestions) return answer;
    await delay(askAgainMs);
  }
};

/** What the api says of each run is what the log says. */
const judgeAnswers = async (stage: Stage, log: RunLog): Promise<void> => {
  const counts: Record<string, number> = {};
  for (const [runId, history] of log) {
    const folded = { status: statusOf(history), sequence: history.events.at(-1)?.sequence };
    counts[folded.status] = (counts[folded.status] ?? 0) + 1;
    const answer = await answerOf(stage, `${runs}/${runId}`);
    const told = { status: answer?.body?.status, sequence: answer?.body?.sequence };
    stage.findings.expect(
      isDeepStrictEqual(told, folded),
      'the api tells what the log tells',
      () => `${runId}: ${JSON.stringify(told)} for ${JSON.stringify(folded)}`,
    );
  }
  for (const [status, count] of Object.entries(counts)) stage.findings.figure(`runs ${status}`, count);
};

/** Recorded within this time, while nothing strikes: about five times what a start takes on a busy machine. */
const takeInMs = 5_000;

/** When each run began its last execution. */
const lastBegins = ({ executions }: Ledger): ReadonlyMap<string, number> => {
  const lastAt = new Map<string, number>();
  for (const { run, beganAt } of executions) lastAt.set(run, Math.max(lastAt.get(run) ?? 0, beganAt));
  return lastAt;
};

const judgePromises = (stage: Stage, log: RunLog, ledger: Ledger): void => {
  const { findings, client } = stage;
  const lastAt = lastBegins(ledger);
  const recorded = readRunIds(stage.databaseFile);
  for (const runId of recorded) findings.expect(log.has(runId), 'a run of the database is on the log', runId);
  const mayTakeMs = takeInMs * Math.min(stage.options.patience, maxWaitFactor);
  const mayBeLost = (promise: Promised): boolean => isLostWithTheStore(promise, stage.faults.all, mayTakeMs);
  const isMissingStart = ({ kind, runId }: Promised): boolean => kind === 'start' && !log.has(runId);
  const lostRuns = new Set(
    client.promised.flatMap((each) => (isMissingStart(each) && mayBeLost(each) ? [each.runId] : [])),
  );
  if (lostRuns.size > 0) findings.figure('starts lost with the store', lostRuns.size);
  for (const promise of client.promised) {
    const history = log.get(promise.runId);
    // What was asked of a run that is lost was asked in vain.
    if (lostRuns.has(promise.runId)) continue;
    if (history === undefined) {
      if (!mayBeLost(promise)) findings.broken(`a ${promise.kind} that was answered is there`, told(promise));
    } else if (mayBeLost(promise)) continue;
    else if (promise.kind === 'cancel') judgeCancel(stage, promise, history, lastAt.get(promise.runId) ?? 0);
    else if (promise.kind === 'approve') judgeDecision(stage, promise, history);
  }
  const count = (kind: Promised['kind']): number =>
    client.promised.filter((each) => each.kind === kind).length;
  for (const kind of ['cancel', 'approve', 'signal'] as const)
    findings.figure(`answered: ${kind}`, count(kind));
};

const told = ({ runId, status, sentAt, answeredAt }: Promised): string =>
  `${runId} (${status}, asked at ${new Date(sentAt).toISOString()}, answered ${answeredAt - sentAt} ms later)`;

/** From the answer until what was on its way already has begun. */
const onItsWayMs = 1_000;

/** Cancelled, unless all that the run had to do had been begun before; it is read in the order in which it was stored. */
const judgeCancel = (stage: Stage, promise: Promised, history: History, lastBeganAt: number): void => {
  const { runId, answeredAt } = promise;
  const last = history.events.at(-1);
  const wasDone = hasEnded(history) && lastBeganAt <= answeredAt + onItsWayMs;
  const isKept = statusOf(history) === 'CANCELLED' || wasDone;
  stage.findings.expect(
    isKept,
    'a cancel that was answered stops the run',
    () => `${runId} ends with ${last?.data.type} ${(last?.at ?? 0) - answeredAt} ms later`,
  );
};

/** Each by itself where its command is known: that somebody has decided again later makes up for none that was lost. */
const judgeDecision = (
  stage: Stage,
  { runId, approvalId, commandId }: Promised,
  { events }: History,
): void => {
  const about = events.filter(({ data }) => 'approvalId' in data && data.approvalId === approvalId);
  const types = new Set<string>(about.map(({ data }) => data.type));
  const isTold = commandId === undefined || about.some(({ causationId }) => causationId === commandId);
  const isKept =
    types.has('approval.approved') || types.has('approval.decision_refused') || types.has('approval.closed');
  // A run that ended otherwise has closed its approvals with its own ending.
  const isMoot = events.some(({ data }) => data.type === 'run.cancelled' || data.type === 'run.timed_out');
  stage.findings.expect(
    (isTold && isKept) || isMoot,
    'a decision that was answered counts, or is refused with a reason',
    () => `${runId} ${[...types].join(',')}${isTold ? '' : `, nothing by ${commandId}`}`,
  );
};

/** A run that nobody cancelled ends as its workflow says, whatever struck meanwhile. */
const judgeEndings = (stage: Stage, log: RunLog): void => {
  // Also where nobody has answered: the request may have been taken all the same.
  const cancelled = stage.client.askedToCancel;
  for (const { kind, runId, workflow } of stage.client.promised) {
    const history = log.get(runId);
    if (kind !== 'start' || history === undefined || cancelled.has(runId) || !hasEnded(history)) continue;
    const wanted = workflow?.startsWith('failing') === true ? 'FAILED' : 'COMPLETED';
    const reason = history.events.find(({ data }) => data.type === 'step.failed')?.data;
    stage.findings.expect(
      statusOf(history) === wanted,
      'a run ends as its workflow says',
      () => `${runId} (${workflow}) is ${statusOf(history)} ${JSON.stringify(reason ?? '').slice(0, 200)}`,
    );
  }
};

/** Whatever a trial has killed it has started again: what ended otherwise, or is gone now, has ended by itself. */
const judgeProcesses = ({ findings, faults, world }: Stage): void => {
  const promise = 'no process ends by itself';
  for (const said of world.nats.endedByThemselves) findings.broken(promise, said);
  for (const label of world.nats.labels) if (!isAlive(world.pidOf(label))) findings.broken(promise, label);
  for (const { label, process, end, wasEnded } of world.launched) {
    if (end === undefined || wasEnded || !faults.labels.includes(label)) continue;
    const lastWords = process.lines.slice(-lastLineCount).join('\n');
    findings.broken(promise, `${label} ended with ${end.signal ?? end.code}:\n${lastWords.slice(-2_000)}`);
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
