/** The suite as a client of the api, over HTTP, which keeps what it was answered so that the auditor can hold the platform to it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what the api answers is read field by field, by whoever asked
  readonly body: any;
  readonly location: string | null;
  readonly ms: number;
}

export interface Request {
  readonly body?: string | object;
  readonly actor?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** What the api has promised: an answer below 300. 202 says that it is not confirmed yet. */
export interface Promised {
  readonly kind: 'start' | 'cancel' | 'approve' | 'signal';
  readonly runId: string;
  readonly workflow?: string;
  readonly approvalId?: string;
  /** Of a command that is not confirmed yet. */
  readonly commandId?: string;
  readonly status: number;
  /** Of the request that was answered so. */
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly ms: number;
}

export interface Client {
  readonly promised: readonly Promised[];
  /** Runs of which somebody has asked that they be cancelled, answered or not. */
  readonly askedToCancel: ReadonlySet<string>;
  /** Undefined when nobody answers. */
  request(method: string, path: string, request?: Request): Promise<Answer | undefined>;
  /** Asks again under the same key until there is an answer below 300; undefined after `patienceMs`. */
  start(workflow: string, patienceMs?: number): Promise<Promised | undefined>;
  cancel(runId: string): Promise<Promised | undefined>;
  approve(runId: string, approvalId: string): Promise<Promised | undefined>;
  signal(runId: string, signalId: string): Promise<Promised | undefined>;
}

export const runs = '/api/v1/workflow-runs';
const retryMs = 200;
const answerTimeoutMs = 20_000;

export const send = async (
  url: string,
  method: string,
  path: string,
  { body, actor = 'user:alice', headers = {}, timeoutMs = answerTimeoutMs }: Request = {},
): Promise<Answer | undefined> => {
  const type = typeof body === 'string' ? 'application/yaml' : 'application/json';
  const sentAt = performance.now();
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        'x-signalbox-actor': actor,
        ...(body === undefined ? {} : { 'content-type': type }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: parsed(text),
      location: response.headers.get('location'),
      ms: performance.now() - sentAt,
    };
  } catch {
    return undefined;
  }
};

const parsed = (text: string): unknown => {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return text;
  }
};

const isPromise = (answer: Answer | undefined): answer is Answer =>
  answer !== undefined && answer.status < 300;

export const createClient = (apiUrl: () => string): Client => {
  const promised: Promised[] = [];
  const askedToCancel = new Set<string>();
  const request: Client['request'] = (method, path, more) => send(apiUrl(), method, path, more);
  const keep = (
    answer: Answer | undefined,
    about: Omit<Promised, 'commandId' | 'status' | 'sentAt' | 'answeredAt' | 'ms'>,
  ): Promised | undefined => {
    if (!isPromise(answer)) return undefined;
    const { status, ms, body } = answer;
    const answeredAt = Date.now();
    const commandId: string | undefined = status === 202 ? body?.commandId : undefined;
    const command = commandId === undefined ? {} : { commandId };
    const promise = { ...about, ...command, status, sentAt: Math.floor(answeredAt - ms), answeredAt, ms };
    promised.push(promise);
    return promise;
  };
  return {
    promised,
    askedToCancel,
    request,
    start: async (workflow, patienceMs = 60_000) => {
      const headers = { 'idempotency-key': randomUUID() };
      const deadline = Date.now() + patienceMs;
      while (Date.now() < deadline) {
        const answer = await request('POST', runs, { body: { workflow, input: {} }, headers });
        if (isPromise(answer)) return keep(answer, { kind: 'start', workflow, runId: runIdOf(answer) });
        await delay(retryMs);
      }
      return undefined;
    },
    cancel: async (runId) => {
      askedToCancel.add(runId);
      return keep(await request('POST', `${runs}/${runId}/cancel`, { body: {} }), { kind: 'cancel', runId });
    },
    approve: async (runId, approvalId) =>
      keep(await request('POST', `${runs}/${runId}/approvals/${approvalId}/approve`, { body: {} }), {
        kind: 'approve',
        runId,
        approvalId,
      }),
    signal: async (runId, signalId) =>
      keep(await request('POST', `${runs}/${runId}/signals/go`, { body: { signalId } }), {
        kind: 'signal',
        runId,
      }),
  };
};

const runIdOf = (answer: Answer): string => answer.body?.runId ?? answer.location?.split('/').at(-1) ?? '';

/** The approval that a run waits for. */
export const pendingOf = async (client: Client, runId: string): Promise<string | undefined> => {
  const answer = await client.request('GET', `${runs}/${runId}/approvals`);
  return answer?.body?.items?.find(({ status }: { status: string }) => status === 'pending')?.approvalId;
};
