/** Judges finished runs from the outside: the log, and the orchestrator's database read after the fact. */
import {
  evolve,
  initialState,
  isEnded,
  type RecordedEvent,
  type RunEvent,
  type RunState,
  runStatus,
  stepIds,
  stepView,
} from '@signalbox/engine';
import {
  type Connection,
  followStream,
  openConnection,
  readLast,
  readStreamFacts,
  textOf,
} from '@signalbox/messaging';
import {
  decodeEvent,
  EVENTS,
  type EventEnvelope,
  readStreamIdentity,
  runKeyOf,
  TASKS,
} from '@signalbox/protocol';
import { createLogger } from '@signalbox/telemetry';
import Database from 'better-sqlite3';

export interface LoggedEvent extends EventEnvelope {
  /** When the log had it, by the server's clock. */
  readonly storedAt: number;
}

const defaultWorkspace = 'default';

/** Every event of a workspace's runs on the log, by run id, in stream order. */
export const readLog = async (
  natsUrl: string,
  workspace = defaultWorkspace,
): Promise<Map<string, LoggedEvent[]>> => {
  const connection = await openConnection({ url: natsUrl, name: 'auditor', logger });
  const byRun = new Map<string, LoggedEvent[]>();
  const done = new AbortController();
  await followStream(connection, {
    stream: EVENTS,
    fromSequence: 1,
    signal: done.signal,
    maxBatch: 1_000,
    logger,
    handler: (messages, { caughtUp }) => {
      for (const message of messages) {
        const event = { ...decodeEvent(textOf(message)), storedAt: message.storedAt };
        if (event.workspace === workspace && event.runId !== null && event.sequence > 0)
          byRun.set(event.runId, [...(byRun.get(event.runId) ?? []), event]);
      }
      if (caughtUp) done.abort();
    },
  });
  await connection.close();
  return byRun;
};

export interface Audit {
  readonly sequences: readonly number[];
  readonly completionsByStep: ReadonlyMap<string, number>;
  readonly state: RunState;
}

/** Puts a run's events in their order (a repeated publish may be stored late), drops doubles, folds. */
export const audit = (events: readonly EventEnvelope[]): Audit => {
  const unique = [...new Map(events.map((event) => [event.sequence, event])).values()].sort(
    (a, b) => a.sequence - b.sequence,
  );
  const completionsByStep = new Map<string, number>();
  let state = initialState;
  for (const { sequence, at, data } of unique) {
    const recorded: RecordedEvent = { seq: sequence, at, event: data as RunEvent };
    if (recorded.event.type === 'step.succeeded') {
      const { stepId } = recorded.event;
      completionsByStep.set(stepId, (completionsByStep.get(stepId) ?? 0) + 1);
    }
    state = evolve(state, recorded);
  }
  return { sequences: unique.map((event) => event.sequence), completionsByStep, state };
};

export interface StoredRun {
  readonly status: string;
  readonly seq: number;
  /** Those that are open. */
  readonly steps: ReadonlyMap<string, { readonly status: string; readonly attempt: number | null }>;
}

/** What the orchestrator's database says of a run. Opened read-only, by the auditor alone. */
export const readStored = (file: string, runId: string, workspace = defaultWorkspace): StoredRun => {
  const database = new Database(file, { readonly: true, fileMustExist: true });
  try {
    const runKey = runKeyOf({ workspace, runId });
    const run = database
      .prepare(
        `SELECT status, (SELECT max(seq) FROM workflow_run_events AS events WHERE events.run_key = workflow_runs.run_key) AS seq
         FROM workflow_runs WHERE run_key = ?`,
      )
      .get(runKey) as { status: string; seq: number };
    const rows = database
      .prepare('SELECT step_id, status, attempt FROM open_steps WHERE run_key = ?')
      .all(runKey) as {
      step_id: string;
      status: string;
      attempt: number | null;
    }[];
    return {
      ...run,
      steps: new Map(rows.map((row) => [row.step_id, { status: row.status, attempt: row.attempt }])),
    };
  } finally {
    database.close();
  }
};

/** The same facts from the folded state. */
export const foldedRun = (state: RunState): StoredRun => {
  const views = isEnded(runStatus(state)) ? [] : stepIds(state).map((stepId) => stepView(state, stepId));
  const open = views.flatMap((view) => (view === undefined || view.endedAt !== undefined ? [] : [view]));
  return {
    status: runStatus(state),
    seq: state.seq,
    steps: new Map(open.map(({ stepId, status, attempt }) => [stepId, { status, attempt }])),
  };
};

/** The subject of the newest message that WORKFLOW_TASKS still holds; undefined when it is empty. */
export const lastQueued = (natsUrl: string): Promise<string | undefined> =>
  asAuditor(natsUrl, async (connection) => (await readLast(connection, TASKS, 'wf.task.>'))?.subject);

/** Whether the log says of itself that nothing of it is still being published again. */
export const isLogWhole = (natsUrl: string): Promise<boolean> =>
  asAuditor(natsUrl, async (connection) => {
    const { description } = await readStreamFacts(connection, EVENTS);
    return readStreamIdentity(description)?.isWhole === true;
  });

const logger = createLogger({ service: 'auditor', level: 'silent' });

const asAuditor = async <T>(natsUrl: string, work: (connection: Connection) => Promise<T>): Promise<T> => {
  const connection = await openConnection({ url: natsUrl, name: 'auditor', logger });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
};
