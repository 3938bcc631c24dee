/** HTTP to the api. A problem document becomes a `CliError` with the exit code of its kind. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { z } from 'zod';
import { type ApiAnswer, callApi } from './api-call.js';
import { type Problem, problem } from './api-types.js';
import { CliError, type ExitCode, exitCodes } from './exit-code.js';
import { onOneLine } from './terminal.js';

export interface ApiClient {
  readonly url: string;
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  /** All pages of a list, newest first, at most `limit` items. */
  list<T>(path: string, item: z.ZodType<T>, limit?: number): Promise<T[]>;
  /** Page by page from a cursor on; nothing where it is null. */
  pages<T>(path: string, item: z.ZodType<T>, cursor: string | null): AsyncGenerator<T[], void>;
  send(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: SendBody): Promise<Answer>;
  /** Server-sent events until the server closes the stream; reconnects with the last id after a break. */
  stream(path: string, onEvent: (event: EventSourceMessage) => void): Promise<void>;
}

export interface SendBody {
  readonly json?: unknown;
  readonly text?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

type Call = (path: string, init: RequestInit) => Promise<ApiAnswer>;

/** The command is in the queue, and nobody knows yet what becomes of it. */
export const notConfirmedYet = 202;
export const asked = (what: string): string =>
  `the command ${what} is queued and not confirmed yet: is the orchestrator at work?`;

const pageSize = 100;
/** Of what is read to its end: a page is held at a time. */
const longPageSize = 200;
const maxReconnectCount = 20;

export const createApiClient = (url: string, actor: string | undefined): ApiClient => {
  const actorHeader: Record<string, string> = actor === undefined ? {} : { 'x-signalbox-actor': actor };

  const call: Call = async (path, init) => {
    const headers = {
      accept: 'application/json',
      ...actorHeader,
      ...(init.headers as Record<string, string> | undefined),
    };
    for (const [name, value] of Object.entries(headers))
      if (!/^[\x20-\x7e]*$/.test(value))
        throw new CliError(
          `${name} holds characters that no header can: ASCII only, in one line`,
          exitCodes.usage,
        );
    return callApi(url, path, { ...init, headers });
  };

  const get: ApiClient['get'] = async (path, schema) => {
    const answer = await call(path, { method: 'GET' });
    return checked(schema, await bodyOf(answer), path);
  };

  const page = <T>(path: string, item: z.ZodType<T>, limit: number, cursor: string | null) =>
    get(
      pagePath(path, limit, cursor),
      z.object({ items: z.array(item), nextCursor: z.string().nullable().optional() }),
    );

  return {
    url,
    get,
    pages: async function* (path, item, cursor) {
      for (let next = cursor; next !== null; ) {
        const { items, nextCursor } = await page(path, item, longPageSize, next);
        yield items;
        next = nextCursor ?? null;
      }
    },
    list: async (path, item, limit = 1_000) => {
      const found: z.infer<typeof item>[] = [];
      let cursor: string | null = null as string | null;
      do {
        const { items, nextCursor } = await page(
          path,
          item,
          Math.min(pageSize, limit - found.length),
          cursor,
        );
        found.push(...items);
        cursor = nextCursor ?? null;
      } while (cursor !== null && found.length < limit);
      return found;
    },
    send: async (method, path, body = {}) => {
      const text = body.json === undefined ? body.text : JSON.stringify(body.json);
      const contentType = body.contentType ?? 'application/json';
      const answer = await call(path, {
        method,
        headers: { ...(text === undefined ? {} : { 'content-type': contentType }), ...body.headers },
        ...(text === undefined ? {} : { body: text }),
      });
      return { status: answer.response.status, body: await bodyOf(answer) };
    },
    stream: (path, onEvent) => follow(call, path, onEvent),
  };
};

const pagePath = (path: string, limit: number, cursor: string | null): string => {
  const separator = path.includes('?') ? '&' : '?';
  return `${path}${separator}limit=${limit}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
};

const bodyOf = async ({ response, text: read }: ApiAnswer): Promise<unknown> => {
  const text = await read();
  let body: unknown = null;
  try {
    body = text === '' ? null : JSON.parse(text);
  } catch {
    throw new CliError(
      `the api answered ${response.status} with something that is not JSON`,
      exitCodes.internal,
    );
  }
  if (response.ok) return body;
  const parsed = problem.safeParse(body);
  if (!parsed.success) throw new CliError(`the api answered ${response.status}`, exitCodes.internal, body);
  throw problemError(parsed.data);
};

const exitCodeOf = (status: number): ExitCode => {
  if (status === 400 || status === 413 || status === 415 || status === 422) return exitCodes.data;
  if (status === 429 || status === 503) return exitCodes.temporary;
  return status >= 500 ? exitCodes.internal : exitCodes.refused;
};

const problemError = (found: Problem): CliError =>
  new CliError(
    `${onOneLine(found.detail ?? found.title ?? 'refused')} (${found.code})${wrongFields(found)}`,
    exitCodeOf(found.status),
    found,
  );

const wrongField = z.object({ path: z.string(), message: z.string() }).strict();

/** Fields of the request, such as a status that there is not; findings in a definition are shown by who sent it. */
const wrongFields = ({ errors = [] }: Problem): string =>
  errors
    .flatMap((each) => wrongField.safeParse(each).data ?? [])
    .map(({ path, message }) => `\n  ${onOneLine(`${path === '' ? '/' : path}: ${message}`)}`)
    .join('');

/** @throws CliError where the answer is another one than this version knows. */
export const checked = <T>(schema: z.ZodType<T>, body: unknown, path: string): T => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new CliError(
    `the api's answer to ${path} is not what this version expects: ${z.prettifyError(parsed.error)}`,
    exitCodes.internal,
  );
};

const follow = async (
  call: Call,
  path: string,
  onEvent: (event: EventSourceMessage) => void,
): Promise<void> => {
  let lastId: string | undefined;
  const parser = createParser({
    onEvent: (event) => {
      lastId = event.id ?? lastId;
      onEvent(event);
    },
  });
  for (let reconnectCount = 0; ; reconnectCount += 1) {
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (lastId !== undefined) headers['last-event-id'] = lastId;
    const answer = await call(path, { method: 'GET', headers });
    const { ok, body } = answer.response;
    if (!ok || body === null) {
      await bodyOf(answer);
      return;
    }
    const brokenBy = await drain(body, (chunk) => parser.feed(chunk));
    if (brokenBy === undefined) return;
    if (reconnectCount >= maxReconnectCount) {
      throw new CliError(
        `the event stream broke ${reconnectCount} times: ${brokenBy.message}`,
        exitCodes.temporary,
      );
    }
    parser.reset();
  }
};

/** Undefined at a proper end, otherwise what broke the connection. */
const drain = async (
  body: ReadableStream<Uint8Array>,
  feed: (chunk: string) => void,
): Promise<Error | undefined> => {
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body) feed(decoder.decode(chunk, { stream: true }));
    return undefined;
  } catch (error) {
    return error as Error;
  }
};
