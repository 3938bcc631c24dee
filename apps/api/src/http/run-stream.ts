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
  let openCount = 0;
  return {
    get openCount() {
      return openCount;
    },
    open: (runId, after) => {
      if (readChunk(runId, after).kind === 'over') return undefined;
      if (openCount >= api.maxStreamCount) throw tooMany(api.maxStreamCount);
      return eventStream(() => {
        const source = follow(api, readChunk, runId, after);
        openCount += 1;
        return {
          next: source.next,
          leave: () => {
            source.leave();
            openCount -= 1;
          },
        };
      });
    },
  };
};

const tooMany = (maxStreamCount: number) =>
  problem('TOO_MANY_STREAMS', {
    detail: `${maxStreamCount} event streams are open, which is the limit; try again, or ask for the list of events`,
    headers: { 'retry-after': String(retryAfterSeconds) },
  });

/** What one client is sent, piece by piece. */
interface Source {
  /** Undefined when nothing more will come. Not called again before it has resolved. */
  next(): Promise<Uint8Array | undefined>;
  /** Called once: the client is gone, or has it all. What is waited for is not waited for any more. */
  leave(): void;
}

/**
 * The answer. Nothing is begun before somebody reads it: of one to a HEAD, or to a client that has left before it, nobody
 * says that it is over.
 */
const eventStream = (begin: () => Source): Response => {
  let source: Source | undefined;
  let hasEnded = false;
  const end = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    source?.leave();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      // Called when the client has taken what was sent.
      pull: async (controller) => {
        try {
          source ??= begin();
          const bytes = await source.next();
          if (hasEnded) return;
          if (bytes !== undefined) return controller.enqueue(bytes);
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        end();
      },
      cancel: end,
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

const greeting = encoder.encode(`retry: ${reconnectDelayMs}\n\n`);
const heartbeat = encoder.encode(': heartbeat\n\n');
const farewell = encoder.encode(': the server is stopping\n\n');

/** No abort signals: a thousand clients may leave in one instant, and a signal for each holds everybody up. */
const follow = (
  { feed, turns, heartbeatMs }: StreamContext,
  readChunk: (runId: string, after: number) => Chunk,
  runId: string,
  after: number,
): Source => {
  const news = createBell();
  const unfollow = feed.follow(runId, news.ring);
  let sent = after;
  let hasGreeted = false;
  let isOver = false;
  const isGone = (): boolean => isOver || feed.isEnding;
  const inTurn = (): Promise<Chunk> =>
    // Nobody may be there any more when its turn comes, and the read model may be closed.
    turns.run(runId, () => (isGone() ? { kind: 'nothing yet' } : readChunk(runId, sent)));
  const nextOfRun = async (): Promise<Uint8Array | undefined> => {
    // A sign of life waits for its turn as well: streams that were opened together are silent together.
    for (let isSilent = false; !isGone(); isSilent = !(await news.wait(heartbeatMs))) {
      const chunk = await inTurn();
      if (isGone()) break;
      if (chunk.kind === 'over') return undefined;
      if (chunk.kind === 'events') {
        sent = chunk.last;
        return chunk.bytes;
      }
      if (isSilent) return heartbeat;
    }
    if (isOver) return undefined;
    isOver = true;
    return farewell;
  };
  return {
    next: async () => {
      if (hasGreeted) return nextOfRun();
      hasGreeted = true;
      return greeting;
    },
    leave: () => {
      isOver = true;
      unfollow();
      news.ring();
    },
  };
};

/** Remembers one ring that nobody was waiting for, so that none is missed between a look and a wait. */
const createBell = () => {
  let hasRung = false;
  let wake: (() => void) | undefined;
  return {
    ring: (): void => {
      hasRung = true;
      wake?.();
    },
    /** True when it rang, false after the time. */
    wait: async (timeoutMs: number): Promise<boolean> => {
      if (!hasRung)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      wake = undefined;
      const rang = hasRung;
      hasRung = false;
      return rang;
    },
  };
};
