/**
 * Every subject is built here and nowhere else, and taken apart here.
 *
 * 1. The workspace stands behind the kind, and each sort of message that another party sends has a kind of its own,
 *    so that a permission of NATS can say who may send what.
 * 2. A token is an id: nothing else can become a part of a subject.
 */
import { ContractError } from './contract-error.js';
import { idPattern } from './shapes.js';

const token = (value: string, what: string): string => {
  if (!idPattern.test(value)) {
    throw new ContractError(
      `${what} "${value.slice(0, 200)}" is not an id: 1 to 128 characters out of A-Z, a-z, 0-9, "_" and "-"`,
      what,
    );
  }
  return value;
};

const ofWorkspace = (prefix: string) => (workspace: string) => `${prefix}.${token(workspace, 'workspace')}`;
const ofRun = (prefix: string) => (workspace: string, runId: string) =>
  `${prefix}.${token(workspace, 'workspace')}.${token(runId, 'run id')}`;
const ofPart = (prefix: string, what: string) => (workspace: string, runId: string, partId: string) =>
  `${prefix}.${token(workspace, 'workspace')}.${token(runId, 'run id')}.${token(partId, what)}`;

const agentTaskPrefix = 'wf.task.agent.';

/** Whose agent a subject is for; undefined when it is no task of an agent. */
export const workspaceOfAgentTask = (subject: string): string | undefined =>
  subject.startsWith(agentTaskPrefix) ? subject.slice(agentTaskPrefix.length).split('.')[0] : undefined;

const ownToken = 'orchestrator';

export const taskSubjects = {
  run: ofRun('wf.task.run'),
  /** What the orchestrator itself asks of a run: a subject that nobody else may publish on. */
  ownRun: (workspace: string, runId: string): string =>
    `${ofRun('wf.task.run')(workspace, runId)}.${ownToken}`,
  resumeStep: ofPart('wf.task.resume.step', 'step id'),
  resumeAgent: ofPart('wf.task.resume.agent', 'step id'),
  resumeApproval: ofRun('wf.task.resume.approval'),
  resumeChild: ofRun('wf.task.resume.child'),
  /** Each command on one of its own, so that who has sent it can see whether it is there. */
  catalog: (workspace: string, commandId: string): string =>
    `${ofWorkspace('wf.task.catalog')(workspace)}.${token(commandId, 'command id')}`,
  step: ofPart('wf.task.step', 'step id'),
  agent: ofPart('wf.task.agent', 'step id'),
  evaluate: ofPart('wf.task.evaluate', 'step id'),
  approvalRequest: ofPart('wf.task.approval.request', 'approval id'),
  approvalDecision: ofPart('wf.task.approval.decision', 'approval id'),
  deadLetter: ofWorkspace('wf.task.deadletter'),
  /** For nobody: whether the stream gives back what it stores. The orchestrator deletes it at once. */
  probe: 'wf.task.probe',
} as const;

/** Asked and answered without a stream: who else is there. */
export const presenceSubjects = { orchestrator: 'wf.presence.orchestrator' } as const;

/** Said every few seconds to whoever listens: how it fares. */
export const figuresSubjects = { orchestrator: 'wf.figures.orchestrator' } as const;

export const eventSubjects = {
  run: ofRun('wf.event.run'),
  step: ofPart('wf.event.step', 'step id'),
  approval: ofPart('wf.event.approval', 'approval id'),
  catalog: ofWorkspace('wf.event.catalog'),
  deadLetter: ofWorkspace('wf.event.deadletter'),
} as const;

/**
 * Where those that claim from one consumer tell one another what they have in hand. Said to whoever listens, kept
 * nowhere: no stream takes it.
 */
export const heldSubjectOf = ({ durable }: { readonly durable: string }): string =>
  `wf.held.${token(durable, 'consumer')}`;

const eventPrefix = 'wf.event.';

export const isEvent = (subject: string): boolean => subject.startsWith(eventPrefix);

const attemptTask = /^wf\.task\.(?:step|agent|evaluate)\./;

/** A task for whoever executes attempts of steps. */
export const isAttemptTask = (subject: string): boolean => attemptTask.test(subject);

/** Of a message that was set aside, or a run that is left alone. */
export const isDeadLetterEvent = (subject: string): boolean =>
  subject.startsWith(`${eventPrefix}deadletter.`);

/**
 * Where the orchestrator says how far the log goes (`tip.ts`), so that those who read it need not ask: by the kind of
 * event that is new, and for all kinds together. For a subject or a filter of events.
 */
export const tipSubjectOf = (eventSubject: string): string => {
  if (!isEvent(eventSubject)) return 'wf.tip.all';
  const end = eventSubject.indexOf('.', eventPrefix.length);
  const kind = eventSubject.slice(eventPrefix.length, end < 0 ? undefined : end);
  return `wf.tip.${idPattern.test(kind) ? kind : 'all'}`;
};

/** What consumers and subscribers filter on. */
export const filters = {
  allTasks: 'wf.task.>',
  /** Without the orchestrator's own. */
  askedRunTasks: 'wf.task.run.*.*',
  ownRunTasks: `wf.task.run.*.*.${ownToken}`,
  allResumeTasks: 'wf.task.resume.>',
  allCatalogTasks: 'wf.task.catalog.>',
  catalogTasks: (workspace: string) => `${ofWorkspace('wf.task.catalog')(workspace)}.*`,
  allDeadLetterTasks: 'wf.task.deadletter.>',
  allStepTasks: 'wf.task.step.>',
  allAgentTasks: 'wf.task.agent.>',
  allEvaluateTasks: 'wf.task.evaluate.>',
  allApprovalTasks: 'wf.task.approval.>',
  allStepResults: 'wf.task.resume.step.>',
  allApprovalResults: 'wf.task.resume.approval.>',
  allApprovalDecisions: 'wf.task.approval.decision.>',
  agentResults: (workspace: string) => `${ofWorkspace('wf.task.resume.agent')(workspace)}.>`,
  deadLettersOf: ofWorkspace('wf.task.deadletter'),
  agentTasks: (workspace: string) => `${ofWorkspace('wf.task.agent')(workspace)}.>`,
  allTips: 'wf.tip.*',
  allEvents: 'wf.event.>',
  allRunEvents: 'wf.event.run.>',
  allStepEvents: 'wf.event.step.>',
  allApprovalEvents: 'wf.event.approval.>',
  allCatalogEvents: 'wf.event.catalog.>',
  /** Of the runs and steps of one workspace. */
  workOfWorkspace: (workspace: string): readonly string[] => [
    `${ofWorkspace('wf.event.run')(workspace)}.>`,
    `${ofWorkspace('wf.event.step')(workspace)}.>`,
  ],
  /** Of one run: its own facts, those of its steps, those of its approvals. */
  eventsOfRun: (workspace: string, runId: string): readonly string[] => [
    eventSubjects.run(workspace, runId),
    `${ofRun('wf.event.step')(workspace, runId)}.*`,
    `${ofRun('wf.event.approval')(workspace, runId)}.*`,
  ],
} as const;

interface OfWorkspace {
  readonly workspace: string;
}
interface OfRun extends OfWorkspace {
  readonly runId: string;
}

export type TaskAddress =
  | ({ readonly kind: 'deadletter' } & OfWorkspace)
  | ({ readonly kind: 'catalog'; readonly commandId: string } & OfWorkspace)
  | ({ readonly kind: 'run' | 'run.own' | 'resume.approval' | 'resume.child' } & OfRun)
  | ({
      readonly kind: 'step' | 'agent' | 'evaluate' | 'resume.step' | 'resume.agent';
      readonly stepId: string;
    } & OfRun)
  | ({ readonly kind: 'approval.request' | 'approval.decision'; readonly approvalId: string } & OfRun);

/** What stands behind the kind is as many ids as the kind has, each as `idPattern` wants them. */
const taskSubject =
  /^wf\.task\.(catalog|deadletter|run|step|agent|evaluate|resume\.(?:step|agent|approval|child)|approval\.(?:request|decision))\.([\w-]{1,128})(?:\.([\w-]{1,128}))?(?:\.([\w-]{1,128}))?$/;

/** Takes a task subject apart. @throws ContractError when it is not one of the subjects above. */
export const parseTaskSubject = (subject: string): TaskAddress => {
  const address = addressOf(subject);
  if (address !== undefined) return address;
  throw new ContractError(`"${subject}" is not a task subject of this protocol`, subject);
};

const addressOf = (subject: string): TaskAddress | undefined => {
  const [, kind = '', workspace = '', runId, partId] = taskSubject.exec(subject) ?? [];
  switch (kind) {
    case 'catalog':
      return runId === undefined || partId !== undefined ? undefined : { kind, workspace, commandId: runId };
    case 'deadletter':
      return runId === undefined ? { kind, workspace } : undefined;
    case 'run':
      if (runId === undefined) return undefined;
      if (partId === undefined) return { kind, workspace, runId };
      return partId === ownToken ? { kind: 'run.own', workspace, runId } : undefined;
    case 'resume.approval':
    case 'resume.child':
      return runId === undefined || partId !== undefined ? undefined : { kind, workspace, runId };
    case 'step':
    case 'agent':
    case 'evaluate':
    case 'resume.step':
    case 'resume.agent':
      return runId === undefined || partId === undefined
        ? undefined
        : { kind, workspace, runId, stepId: partId };
    case 'approval.request':
    case 'approval.decision':
      return runId === undefined || partId === undefined
        ? undefined
        : { kind, workspace, runId, approvalId: partId };
    default:
      return undefined;
  }
};

const eventKinds: ReadonlySet<string> = new Set(['run', 'step', 'approval', 'catalog', 'deadletter']);

/** The workspace that a task or an event belongs to; undefined where the subject is none of this protocol. */
export const workspaceOfSubject = (subject: string): string | undefined => {
  const [root, sort, kind = '', ...rest] = subject.split('.');
  if (root !== 'wf' || sort !== 'event') return addressOf(subject)?.workspace;
  return eventKinds.has(kind) && rest.every((each) => idPattern.test(each)) ? rest[0] : undefined;
};
