/**
 * A run's events as server-sent events, as they happen.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 *
 * 1. `id` is the event's sequence, `event` its type, `data` the same JSON as in the list of events.
 * 2. Every event is sent once, in order, from the first one behind where the client was.
 * 3. The stream ends after the run's end. A client that comes back behind the last event is told with 204 to stay away.
 * 4. Who follows the same run from the same place shares one reading of it. Nothing is read for a client that has not
 *    taken what it was sent before, so a slow one costs one chunk, however long the run.
 * 5. Readings take turns with everything else the process does (`turns.ts`), and there is a limit of streams.
 */
import type { ApiContext } from './api-context.js';
import { problem } from './problem.js';

const maxEventsPerChunk = 200;
/** A chunk ends behind the event that goes over this. */
const maxChunkCharacters = 64 * 1024;
/** Readings that are remembered for others. */
const maxSharedChunks = 64;
/** How long a browser waits before it comes back. */
const reconnectDelayMs = 1_000;
/** For a client that was refused because there were too many. */
const retryAfterSeconds = 5;

type StreamContext = Pick<ApiContext, 'readModel' | 'feed' | 'turns' | 'heartbeatMs' | 'maxStreamCount'>;

type Chunk =
  | { readonly kind: 'events'; readonly bytes: Uint8Array; readonly last: number }
  | { readonly kind: 'nothing yet' }
  | { readonly kind: 'over' };

export interface RunStreams {
  /** Undefined when nothing more will ever come. `after`: sequence of the last event that the client has. @throws Problem */
  open(runId: string, after: number): Response | undefined;
  readonly openCount: number;
}

export const createRunStreams = (api: StreamContext): RunStreams => {
  const readChunk = createChunkReader(api);
  const { turns } = api;
  let openCount = 0;
  const follow = (runId: string, after: number, ended: AbortSignal) =>
    chunksOf(api, runId, after, ended, (sent) =>
      // Nobody may be there any more when its turn comes, and the read model may be closed.
      turns.run(runId, () => (ended.aborted ? { kind: 'nothing yet' } : readChunk(runId, sent))),
    );
  return {
    get openCount() {
      return openCount;
    },
    open: (runId, after) => {
      if (readChunk(runId, after).kind === 'over') return undefined;
      if (openCount >= api.maxStreamCount) throw tooMany(api.maxStreamCount);
      openCount += 1;
      return eventStream(
        (ended) => follow(runId, after, AbortSignal.any([ended, api.feed.ending])),
        () => {
          openCount -= 1;
        },
      );
    },
  };
};

const tooMany = (maxStreamCount: number) =>
  problem('TOO_MANY_STREAMS', {
    detail: `${maxStreamCount} event streams are open, which is the limit; try again, or ask for the list of events`,
    headers: { 'retry-after': String(retryAfterSeconds) },
  });

/** The answer. `onEnd` is called once, however the stream ends. */
const eventStream = (
  open: (left: AbortSignal) => AsyncGenerator<Uint8Array, void>,
  onEnd: () => void,
): Response => {
  const left = new AbortController();
  const chunks = open(left.signal);
  let hasEnded = false;
  const end = (): void => {
    if (!hasEnded) onEnd();
    hasEnded = true;
  };
  const body = new ReadableStream<Uint8Array>(
    {
      // Called when the client has taken what was sent.
      pull: async (controller) => {
        try {
          const { value, done } = await chunks.next();
          if (done !== true) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        end();
      },
      cancel: async () => {
        end();
        left.abort();
        await chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    },
  });
};

const encoder = new TextEncoder();

const createChunkReader = ({ readModel }: StreamContext) => {
  // An event never changes, so what lies between a place and a run's newest event never does.
  const shared = new Map<string, Chunk>();
  return (runId: string, after: number): Chunk => {
    const head = readModel.findRunHead(runId);
    if (head === undefined) return { kind: 'nothing yet' };
    if (head.sequence <= after) return { kind: head.hasEnded ? 'over' : 'nothing yet' };
    const key = `${runId}/${after}/${head.sequence}`;
    const known = shared.get(key);
    if (known !== undefined) return known;
    const events = readModel.listEventTexts(runId, after, maxEventsPerChunk, maxChunkCharacters);
    const text = events.map(({ sequence, type, text: data }) => formatEvent(sequence, type, data)).join('');
    const chunk: Chunk = {
      kind: 'events',
      bytes: encoder.encode(text),
      last: events.at(-1)?.sequence ?? after,
    };
    shared.set(key, chunk);
    for (const oldest of shared.keys()) {
      if (shared.size <= maxSharedChunks) break;
      shared.delete(oldest);
    }
    return chunk;
  };
};

const formatEvent = (sequence: number, type: string, data: string): string =>
  `id: ${sequence}\nevent: ${type}\ndata: ${data}\n\n`;

async function* chunksOf(
  api: StreamContext,
  runId: string,
  after: number,
  ended: AbortSignal,
  read: (after: number) => Promise<Chunk>,
): AsyncGenerator<Uint8Array, void> {
  const news = createBell();
  const unfollow = api.feed.follow(runId, news.ring);
  let sent = after;
  try {
    yield encoder.encode(`retry: ${reconnectDelayMs}\n\n`);
    while (!ended.aborted) {
      const chunk = await read(sent);
      if (chunk.kind === 'over') return;
      if (chunk.kind === 'events') {
        sent = chunk.last;
        yield chunk.bytes;
      } else if (!(await news.wait(api.heartbeatMs, ended)) && !ended.aborted) {
        yield encoder.encode(': heartbeat\n\n');
      }
    }
    if (api.feed.ending.aborted) yield encoder.encode(': the server is stopping\n\n');
  } finally {
    unfollow();
  }
}

/** Remembers one ring that nobody was waiting for, so that none is missed between a look and a wait. */
const createBell = () => {
  let hasRung = false;
  let wake: (() => void) | undefined;
  return {
    ring: (): void => {
      hasRung = true;
      wake?.();
    },
    /** True when it rang, false after the time or when `ended` aborts. */
    wait: async (timeoutMs: number, ended: AbortSignal): Promise<boolean> => {
      if (!hasRung && !ended.aborted) {
        await new Promise<void>((resolve) => {
          const finish = (): void => {
            clearTimeout(timer);
            ended.removeEventListener('abort', finish);
            wake = undefined;
            resolve();
          };
          const timer = setTimeout(finish, timeoutMs);
          wake = finish;
          ended.addEventListener('abort', finish);
        });
      }
      const rang = hasRung;
      hasRung = false;
      return rang;
    },
  };
};
