/**
 * What each process may publish and subscribe to, as the permissions of a user of nats-server. The files in
 * `deploy/nats` and the embedded server's users are made from it.
 *
 * 1. Only the orchestrator publishes events and the tasks of steps, and only it makes, changes or deletes streams,
 *    durable consumers and messages.
 * 2. Answers come below a prefix of the user's own, so nobody reads what another one asked for.
 * 3. An agent is one workspace's: nothing that it may name lies in another.
 */
import { type ConsumerDeclaration, consumers, EVENTS, TASKS } from './streams.js';
import { figuresSubjects, filters, heldSubjectOf, presenceSubjects } from './subjects.js';

export interface BusUser {
  readonly name: string;
  /** Answers to its requests come below it. */
  readonly inboxPrefix: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const api = (request: string): string => `$JS.API.${request}`;

const busUser = (name: string, publish: readonly string[], subscribe: readonly string[]): BusUser => {
  const inboxPrefix = `_INBOX_${name}`;
  return { name, inboxPrefix, publish, subscribe: [`${inboxPrefix}.>`, ...subscribe] };
};

/** Claiming from a durable consumer that somebody else has made, and answering. */
const claim = ({ stream, durable }: ConsumerDeclaration): readonly string[] => [
  api(`STREAM.INFO.${stream}`),
  api(`CONSUMER.INFO.${stream}.${durable}`),
  api(`CONSUMER.MSG.NEXT.${stream}.${durable}`),
  `$JS.ACK.${stream}.${durable}.>`,
];

/** As `claim`, and what holders of steps tell one another. */
const claimSteps = (consumer: ConsumerDeclaration): readonly string[] => [
  ...claim(consumer),
  api(`STREAM.INFO.${EVENTS}`),
  heldSubjectOf(consumer),
];

/** The last message on each of these subjects, and no other. */
const lastOf = (stream: string, subjects: readonly string[]): readonly string[] =>
  subjects.map((subject) => api(`DIRECT.GET.${stream}.${subject}`));

/**
 * Reading the log from any point on. The form without a name makes ephemeral consumers only: the server refuses a
 * durable one there. Which of the events are read cannot be narrowed by the subject of these requests.
 */
const followTheLog: readonly string[] = [
  api(`STREAM.INFO.${EVENTS}`),
  api(`STREAM.MSG.GET.${EVENTS}`),
  api(`CONSUMER.CREATE.${EVENTS}`),
  api(`CONSUMER.INFO.${EVENTS}.*`),
  api(`CONSUMER.MSG.NEXT.${EVENTS}.*`),
];

/** What a holder of steps watches while it is at work. */
const allWork: readonly string[] = [filters.allRunEvents, filters.allStepEvents];

export const busUsers = {
  orchestrator: busUser(
    'orchestrator',
    [
      filters.allEvents,
      filters.allTasks,
      presenceSubjects.orchestrator,
      figuresSubjects.orchestrator,
      // Another orchestrator that asks who is there.
      '_INBOX_orchestrator.>',
      api('>'),
      `$JS.ACK.${TASKS}.>`,
      `$JS.ACK.${EVENTS}.>`,
    ],
    [presenceSubjects.orchestrator],
  ),
  stepWorker: busUser(
    'step-worker',
    [
      filters.allStepResults,
      filters.allDeadLetterTasks,
      ...claimSteps(consumers.stepWorker),
      ...claimSteps(consumers.evaluator),
      ...lastOf(EVENTS, allWork),
      ...lastOf(TASKS, [filters.allStepResults]),
    ],
    [...allWork, heldSubjectOf(consumers.stepWorker), heldSubjectOf(consumers.evaluator)],
  ),
  agent: (workspace: string): BusUser =>
    busUser(
      `agent-${workspace}`,
      [
        filters.agentResults(workspace),
        filters.deadLettersOf(workspace),
        ...claimSteps(consumers.agent(workspace)),
        ...lastOf(EVENTS, filters.workOfWorkspace(workspace)),
        ...lastOf(TASKS, [filters.agentResults(workspace)]),
      ],
      [...filters.workOfWorkspace(workspace), heldSubjectOf(consumers.agent(workspace))],
    ),
  approvalService: busUser(
    'approval-service',
    [
      filters.allApprovalResults,
      filters.allDeadLetterTasks,
      ...claim(consumers.approvalService),
      ...lastOf(EVENTS, [filters.allApprovalEvents]),
      ...followTheLog,
    ],
    [],
  ),
  api: busUser(
    'api',
    [filters.allRunTasks, filters.allCatalogTasks, filters.allApprovalDecisions, ...followTheLog],
    [figuresSubjects.orchestrator],
  ),
  /** Whoever only looks on: `signalbox events tail`, a monitor, an archive. */
  tap: busUser('tap', lastOf(EVENTS, [filters.allEvents]), [filters.allEvents]),
} as const;

/** One of each, with the agents of these workspaces. */
export const busUsersFor = (workspaces: readonly string[]): readonly BusUser[] => {
  const { agent, ...others } = busUsers;
  return [...Object.values(others), ...workspaces.map(agent)];
};
