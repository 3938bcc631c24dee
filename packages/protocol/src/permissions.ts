/**
 * What each process may say to the bus and hear from it. The files in `deploy/nats` and the embedded server's
 * configuration are made from it.
 *
 * 1. The streams are in the home account, and only the orchestrator is in it: only it publishes events and the tasks of
 *    steps, and only it makes, changes or deletes streams, consumers and messages.
 * 2. Every other party has an account of its own, which reaches of the home account exactly what is named here. The
 *    server sends an answer wherever the asker says, whatever the asker may publish: so the asker's account is the
 *    border, and an answer never leaves it. A user's permissions stand behind that border as a second fence.
 * 3. Nobody but the orchestrator makes consumers: a consumer delivers where its maker says, inside the streams' account.
 *    What follows the log reads it by number, which leaves nothing on the server.
 * 4. An agent is one workspace's: nothing that it may name lies in another.
 */
import { type ConsumerDeclaration, consumers, EVENTS, TASKS } from './streams.js';
import { figuresSubjects, filters, heldSubjectOf, presenceSubjects } from './subjects.js';

/** Something of the home account that an account reaches. */
export type BusImport =
  /** Published under `local`, it arrives under `subject`, and the answers come back: one, or several to one question. */
  | {
      readonly kind: 'service';
      readonly subject: string;
      readonly local: string;
      readonly answers: 'one' | 'several';
    }
  /** Heard under its own name. */
  | { readonly kind: 'stream'; readonly subject: string };

export interface BusUser {
  readonly name: string;
  /** Answers to its requests come below it. */
  readonly inboxPrefix: string;
  /** Where it asks JetStream: an account without streams does not have those of another under their own name. */
  readonly apiPrefix: string;
  /** Everything in its account when absent. */
  readonly publish?: readonly string[];
  readonly subscribe: readonly string[];
  /** Of an account of its own, which bears its name; absent for who is in the home account. */
  readonly imports?: readonly BusImport[];
}

const homeApiPrefix = '$JS.API';
const importedApiPrefix = 'wf.js';

const inboxPrefixOf = (name: string): string => `_INBOX_${name}`;

interface Rights {
  /** Messages into a stream, each acknowledged by it. */
  readonly sends?: readonly string[];
  /** Requests to JetStream. */
  readonly asks?: readonly string[];
  /** Acknowledgements of what consumers deliver. */
  readonly acknowledges?: readonly string[];
  /** What the orchestrator publishes, as it does. */
  readonly hears?: readonly string[];
  /** Said and heard among those of the same account. */
  readonly among?: readonly string[];
}

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

const importOf = (subject: string, local = subject): BusImport => {
  const answers = subject.startsWith(`${homeApiPrefix}.CONSUMER.MSG.NEXT.`) ? 'several' : 'one';
  return { kind: 'service', subject, local, answers };
};

/** A user in an account of its own. */
const party = (name: string, rights: Rights): BusUser => {
  const { sends = [], asks = [], acknowledges = [], hears = [], among = [] } = rights;
  const services = [
    ...unique([...sends, ...acknowledges]).map((subject) => importOf(subject)),
    ...unique(asks).map((ask) => importOf(`${homeApiPrefix}.${ask}`, `${importedApiPrefix}.${ask}`)),
  ];
  const inboxPrefix = inboxPrefixOf(name);
  return {
    name,
    inboxPrefix,
    apiPrefix: importedApiPrefix,
    publish: [...services.map((each) => (each.kind === 'service' ? each.local : each.subject)), ...among],
    subscribe: [`${inboxPrefix}.>`, ...hears, ...among],
    imports: [...services, ...hears.map((subject): BusImport => ({ kind: 'stream', subject }))],
  };
};

/** Claiming from durable consumers that the orchestrator has made, and answering. */
const claim = (...claimed: readonly ConsumerDeclaration[]): Rights => ({
  asks: claimed.flatMap(({ stream, durable }) => [
    `STREAM.INFO.${stream}`,
    `CONSUMER.INFO.${stream}.${durable}`,
    `CONSUMER.MSG.NEXT.${stream}.${durable}`,
  ]),
  acknowledges: claimed.map(({ stream, durable }) => `$JS.ACK.${stream}.${durable}.>`),
});

/** The last message on each of these subjects, and no other. Of those that a party sends it looks whether they are stored. */
const lastOf = (stream: string, subjects: readonly string[]): readonly string[] =>
  subjects.map((subject) => `DIRECT.GET.${stream}.${subject}`);

/** Reading the log from any point on. Which of the events are read cannot be narrowed by the subject of these requests. */
const followTheLog: Required<Pick<Rights, 'asks' | 'hears'>> = {
  asks: [`STREAM.INFO.${EVENTS}`, `STREAM.MSG.GET.${EVENTS}`, `DIRECT.GET.${EVENTS}`],
  hears: [filters.allTips],
};

interface Holder {
  readonly name: string;
  readonly claimed: readonly ConsumerDeclaration[];
  readonly results: string;
  readonly deadLetters: string;
  /** Events of its runs and steps, which it watches while it is at work. */
  readonly work: readonly string[];
}

/** Claims steps, and tells others that claim from the same consumers what it has in hand. */
const holder = ({ name, claimed, results, deadLetters, work }: Holder): BusUser => {
  const claims = claim(...claimed);
  return party(name, {
    ...claims,
    sends: [results, deadLetters],
    asks: [
      ...(claims.asks ?? []),
      `STREAM.INFO.${EVENTS}`,
      ...lastOf(EVENTS, work),
      ...lastOf(TASKS, [results, deadLetters]),
    ],
    hears: work,
    among: claimed.map(heldSubjectOf),
  });
};

const approvalClaims = claim(consumers.approvalService);

const commands = [filters.askedRunTasks, filters.allCatalogTasks, filters.allApprovalDecisions];

export const busUsers = {
  orchestrator: {
    name: 'orchestrator',
    inboxPrefix: inboxPrefixOf('orchestrator'),
    apiPrefix: homeApiPrefix,
    // It owns all that is there. A list would be looked through for each message, and each has a subject of its own.
    subscribe: [
      `${inboxPrefixOf('orchestrator')}.>`,
      presenceSubjects.orchestrator,
      filters.allTips,
      // Whether anybody has a task in hand. Newer servers put domain and account before the stream.
      `$JS.ACK.${TASKS}.>`,
      `$JS.ACK.*.*.${TASKS}.>`,
    ],
  } satisfies BusUser as BusUser,
  stepWorker: holder({
    name: 'step-worker',
    claimed: [consumers.stepWorker, consumers.evaluator],
    results: filters.allStepResults,
    deadLetters: filters.allDeadLetterTasks,
    work: [filters.allRunEvents, filters.allStepEvents],
  }),
  agent: (workspace: string): BusUser =>
    holder({
      name: `agent-${workspace}`,
      claimed: [consumers.agent(workspace)],
      results: filters.agentResults(workspace),
      deadLetters: filters.deadLettersOf(workspace),
      work: filters.workOfWorkspace(workspace),
    }),
  approvalService: party('approval-service', {
    ...approvalClaims,
    sends: [filters.allApprovalResults, filters.allDeadLetterTasks],
    asks: [
      ...(approvalClaims.asks ?? []),
      ...lastOf(EVENTS, [filters.allApprovalEvents]),
      ...lastOf(TASKS, [filters.allApprovalResults, filters.allDeadLetterTasks]),
      ...followTheLog.asks,
    ],
    hears: followTheLog.hears,
  }),
  api: party('api', {
    sends: commands,
    asks: [...followTheLog.asks, ...lastOf(TASKS, commands)],
    hears: [...followTheLog.hears, filters.allEvents, figuresSubjects.orchestrator],
  }),
  /** Whoever only looks on: `signalbox events tail`, a monitor, an archive. */
  tap: party('tap', { asks: lastOf(EVENTS, [filters.allEvents]), hears: [filters.allEvents] }),
} as const;

/** One of each, with the agents of these workspaces. */
export const busUsersFor = (workspaces: readonly string[]): readonly BusUser[] => {
  const { agent, ...others } = busUsers;
  return [...Object.values(others), ...workspaces.map(agent)];
};
