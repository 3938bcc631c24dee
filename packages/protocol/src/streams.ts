/** Streams and consumers as they are declared; `packages/messaging` creates them and reports drift. */
import { filters, taskSubjects } from './subjects.js';

export interface StreamDeclaration {
  readonly name: string;
  /** Asked for each time it is created; kept as it is on one that exists. */
  readonly describe?: () => string;
  readonly subjects: readonly string[];
  readonly retention: 'workqueue' | 'limits';
  readonly discard: 'new' | 'old';
  readonly duplicateWindowMs: number;
  readonly allowDirect: boolean;
  /** Whether the server refuses to delete single messages, whoever asks. Nothing may ever be purged. */
  readonly denyDelete: boolean;
  /** 0: no limit. */
  readonly maxAgeMs: number;
  /** -1: no limit. */
  readonly maxBytes: number;
  readonly replicas: number;
}

export interface ConsumerDeclaration {
  readonly stream: string;
  readonly durable: string;
  readonly filterSubject: string;
  readonly ackWaitMs: number;
  readonly maxDeliver: number;
  /** Redelivery delays; the first stands for the ack wait, so both are the same. */
  readonly backoffMs: readonly number[];
  readonly maxAckPending: number;
}

export const TASKS = 'WORKFLOW_TASKS';
export const EVENTS = 'WORKFLOW_EVENTS';

export interface StreamSettings {
  readonly replicas: number;
  readonly eventsMaxAgeMs: number;
  readonly eventsMaxBytes: number;
}

/** Nothing is ever dropped from the log unless a setting says so: a read model is rebuilt from its first event. */
const defaultStreamSettings: StreamSettings = { replicas: 1, eventsMaxAgeMs: 0, eventsMaxBytes: -1 };

/** `describe`: what the streams say about themselves when they are made (`stream-identity.ts`). */
export const streamDeclarations = (
  settings: StreamSettings = defaultStreamSettings,
  describe?: () => string,
): readonly StreamDeclaration[] => [
  {
    name: TASKS,
    ...(describe === undefined ? {} : { describe }),
    // Listed, so that what nobody consumes is refused instead of kept for ever.
    subjects: [
      filters.askedRunTasks,
      filters.ownRunTasks,
      filters.allResumeTasks,
      filters.allCatalogTasks,
      filters.allStepTasks,
      filters.allAgentTasks,
      filters.allEvaluateTasks,
      filters.allApprovalTasks,
      filters.allDeadLetterTasks,
      taskSubjects.probe,
    ],
    retention: 'workqueue',
    discard: 'new',
    duplicateWindowMs: 120_000,
    allowDirect: true,
    // A task that nobody wants any more is deleted by its number.
    denyDelete: false,
    maxAgeMs: 0,
    maxBytes: -1,
    replicas: settings.replicas,
  },
  {
    name: EVENTS,
    ...(describe === undefined ? {} : { describe }),
    subjects: [filters.allEvents],
    retention: 'limits',
    discard: 'old',
    duplicateWindowMs: 120_000,
    allowDirect: true,
    denyDelete: true,
    maxAgeMs: settings.eventsMaxAgeMs,
    maxBytes: settings.eventsMaxBytes,
    replicas: settings.replicas,
  },
];

/** A holder that is still at work says `working()` this often, well within the ack wait. */
export const heartbeatMs = 3_000;
/** Without a limit: how often something was tried is known from the history, not from a consumer. */
const maxDeliver = -1;

const taskConsumer = (
  durable: string,
  filterSubject: string,
  maxAckPending: number,
): ConsumerDeclaration => ({
  stream: TASKS,
  durable,
  filterSubject,
  ackWaitMs: 10_000,
  maxDeliver,
  backoffMs: [],
  maxAckPending,
});

export const consumers = {
  orchestratorRun: taskConsumer('orchestrator-run', filters.askedRunTasks, 5_000),
  /** Apart from what others ask, so that runs that start runs keep no start waiting in the stream. */
  orchestratorOwn: taskConsumer('orchestrator-own', filters.ownRunTasks, 5_000),
  orchestratorResume: taskConsumer('orchestrator-resume', filters.allResumeTasks, 20_000),
  orchestratorCatalog: taskConsumer('orchestrator-catalog', filters.allCatalogTasks, 1_000),
  orchestratorDeadLetter: taskConsumer('orchestrator-deadletter', filters.allDeadLetterTasks, 1_000),
  stepWorker: taskConsumer('step-worker', filters.allStepTasks, 20_000),
  /** Apart from the steps, so that nobody's heavy expressions stand before somebody else's step. */
  evaluator: taskConsumer('evaluator', filters.allEvaluateTasks, 20_000),
  approvalService: taskConsumer('approval-service', filters.allApprovalTasks, 1_000),
  agent: (workspace: string) => taskConsumer(`agent-${workspace}`, filters.agentTasks(workspace), 5_000),
} as const;
