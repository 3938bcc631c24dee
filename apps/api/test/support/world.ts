/** The whole api but its socket and its bus: real routes, real SQLite, and the orchestrator in memory. */
import { createLogger } from '@signalbox/telemetry';
import { CheckThreads } from '@signalbox/validation';
import { Confirmations } from '../../src/commands/confirmations.js';
import { createStartListener } from '../../src/commands/heard-starts.js';
import { createSubmit } from '../../src/commands/submit.js';
import { createDefinitionValidator } from '../../src/definition-validator.js';
import { createApp } from '../../src/http/app.js';
import { Turns } from '../../src/http/turns.js';
import { HeardFigures } from '../../src/orchestrator-figures.js';
import type { StreamMessage } from '../../src/read-model/projection.js';
import { openReadModel } from '../../src/read-model/read-model.js';
import { RunFeed } from '../../src/run-feed.js';
import { InMemoryOrchestrator, workspace } from './in-memory-orchestrator.js';

const sharedChecks = new CheckThreads();

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of many shapes, looked into by assertions only.
  readonly body: any;
}

export const openWorld = (
  options: {
    confirmationTimeoutMs?: number;
    heartbeatMs?: number;
    maxStreamCount?: number;
    isBehind?: boolean;
    checks?: CheckThreads;
  } = {},
) => {
  const orchestrator = new InMemoryOrchestrator();
  const confirmations = new Confirmations(options.confirmationTimeoutMs ?? 10_000);
  const feed = new RunFeed();
  const contradictions: string[] = [];
  const internalErrors: unknown[] = [];
  const onContradiction = (what: string): void => void contradictions.push(what);
  const readModel = openReadModel({
    database: ':memory:',
    workspace,
    confirmations,
    feed,
    onContradiction,
    fail: (error) => internalErrors.push(error),
  });
  const apply = (message: StreamMessage): void => readModel.apply([message], { caughtUp: false });
  orchestrator.onMessage = apply;
  const hear = createStartListener(workspace, confirmations, readModel);
  if (options.isBehind !== true) readModel.apply([], { caughtUp: true });
  const figures = new HeardFigures(createLogger({ service: 'test', level: 'silent' }));
  let isConnected = true;
  const app = createApp({
    workspace,
    readModel,
    submit: createSubmit(orchestrator, confirmations),
    feed,
    validator: createDefinitionValidator(options.checks ?? sharedChecks, readModel),
    busProblem: () => (isConnected ? undefined : 'no bus'),
    problem: () => figures.problem,
    metrics: () => '',
    onInternalError: (error) => internalErrors.push(error),
    turns: new Turns(),
    heartbeatMs: options.heartbeatMs ?? 15_000,
    maxStreamCount: options.maxStreamCount ?? 2_000,
  });
  const request = (path: string, init: RequestInit = {}): Promise<Response> =>
    Promise.resolve(app.request(`http://127.0.0.1:7420${path}`, init));
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const isText = typeof body === 'string';
    const response = await request(path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': isText ? 'text/yaml' : 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
  };
  return {
    orchestrator,
    readModel,
    figures,
    feed,
    /** Gives the read model a message of the log. */
    apply,
    /** As what listens to the log does, before the read model has the message. */
    hear,
    confirmations,
    internalErrors,
    contradictions,
    request,
    fetch: app.fetch,
    call,
    disconnect: () => {
      isConnected = false;
    },
    close: () => readModel.close(),
  };
};
export type World = ReturnType<typeof openWorld>;
