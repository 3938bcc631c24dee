/** The log as histories of runs, each folded as far as it can be. */
import { isDeepStrictEqual } from 'node:util';
import { isEnded, type RunState, runStatus } from '@signalbox/engine';
import type { EventEnvelope } from '@signalbox/protocol';
import { audit, foldedRun, type LoggedEvent, readLog, readStored } from '@signalbox/testing';
import type { Stage } from './stage.js';

export interface History {
  /** In their order, each once. */
  readonly events: readonly LoggedEvent[];
  /** Absent when the history has a gap, and so cannot be folded. */
  readonly state?: RunState;
}

export type RunLog = ReadonlyMap<string, History>;

const endings: ReadonlySet<string> = new Set([
  'run.completed',
  'run.failed',
  'run.cancelled',
  'run.timed_out',
]);

export const isEnding = ({ type }: EventEnvelope['data']): boolean => endings.has(type);

export const statusOf = ({ state }: History): string => (state === undefined ? 'unknown' : runStatus(state));

export const hasEnded = ({ state }: History): boolean => state !== undefined && isEnded(runStatus(state));

/** Reads the whole log and judges each run by itself. */
export const readHistories = async (stage: Stage): Promise<RunLog> => {
  const log = new Map<string, History>();
  for (const [runId, stored] of await readLog(stage.world.natsUrl)) {
    judgeStored(stage, runId, stored);
    // Where one is stored twice, the first counts.
    const events = [...new Map(stored.toReversed().map((event) => [event.sequence, event])).values()].sort(
      (a, b) => a.sequence - b.sequence,
    );
    const isGapFree = events.every(({ sequence }, index) => sequence === index + 1);
    const sequences = (): string => events.map(({ sequence }) => sequence).join(',');
    stage.findings.expect(
      isGapFree,
      'the history of a run has no gap',
      () => `${runId} has ${sequences().slice(0, 200)}`,
    );
    const history = isGapFree ? { events, state: audit(events).state } : { events };
    log.set(runId, history);
    judgeHistory(stage, runId, history);
  }
  return log;
};

/** What was stored more than once. In a cluster that may happen: nothing has an id by which a repetition is known there. */
const judgeStored = (stage: Stage, runId: string, stored: readonly LoggedEvent[]): void => {
  const mayBeRepeated = stage.world.nats.labels.length > 1;
  const known = new Map<number, LoggedEvent>();
  for (const event of stored) {
    const first = known.get(event.sequence);
    known.set(event.sequence, first ?? event);
    if (first === undefined) continue;
    if (!mayBeRepeated) stage.findings.broken('no event is stored twice', `${runId}: ${event.sequence}`);
    if (!isDeepStrictEqual(first.data, event.data))
      stage.findings.broken('a sequence has one event', `${runId} has two under ${event.sequence}`);
  }
};

const storyLength = 6;

/** How it began and how it goes at last. */
const storyOf = (events: History['events']): string => {
  const [first] = events;
  const workflow = first?.data.type === 'run.started' ? first.data.workflow.id : '?';
  const last = events.slice(-storyLength).map(({ sequence, at, data }) => {
    const attempt = 'attempt' in data ? `#${data.attempt}` : '';
    return `${sequence} ${data.type}${attempt} at ${new Date(at).toISOString()}`;
  });
  return `${workflow}, ${last.join(', ')}`;
};

const judgeHistory = (stage: Stage, runId: string, { events, state }: History): void => {
  const { findings } = stage;
  const endCount = events.filter(({ data }) => isEnding(data)).length;
  findings.expect(
    endCount === 1,
    'a run has one ending',
    () => `${runId} has ${endCount}: ${storyOf(events)}`,
  );
  if (state === undefined) return;
  try {
    const stored = readStored(stage.databaseFile, runId);
    findings.expect(
      isDeepStrictEqual(foldedRun(state), stored),
      'folding the log gives the rows in SQLite',
      () => `${runId}: ${runStatus(state)} at ${state.seq}, the rows say ${stored.status} at ${stored.seq}`,
    );
  } catch (error) {
    findings.broken('every run of the log is in SQLite', `${runId}: ${String(error)}`);
  }
};
