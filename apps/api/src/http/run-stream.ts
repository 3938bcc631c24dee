/**
 * A run's events as server-sent events, as they happen.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 *
 * 1. `id` is the event's sequence, `event` its type, `data` the same JSON as in the list of events.
 * 2. Every event is sent once, in order, from the first one behind where the client was.
 * 3. The stream ends after the run's end. A client that comes back behind the last event is told with 204 to stay away.
 */
import type { EventResource } from '../resources/run.js';
import type { ApiContext } from './api-context.js';

const pageSize = 200;
/** How long a browser waits before it comes back. */
const reconnectDelayMs = 1_000;

/** Undefined when nothing more will ever come. `after`: sequence of the last event that the client has. */
export const openRunStream = (api: ApiContext, runId: string, after: number): Response | undefined => {
  if (isOver(api, runId, after)) return undefined;
  const left = new AbortController();
  const chunks = chunksOf(api, runId, after, AbortSignal.any([left.signal, api.feed.ending]));
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    // Called when the client has taken what was sent: a slow one costs no memory here.
    pull: async (controller) => {
      const { value, done } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: async () => {
      left.abort();
      await chunks.return();
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    },
  });
};

const isOver = (api: ApiContext, runId: string, after: number): boolean => {
  const run = api.readModel.findRunSummary(runId);
  return run !== undefined && run.endedAt !== null && run.sequence <= after;
};

async function* chunksOf(
  api: ApiContext,
  runId: string,
  after: number,
  ended: AbortSignal,
): AsyncGenerator<string, void> {
  const news = createBell();
  const unfollow = api.feed.follow(runId, news.ring);
  let sent = after;
  try {
    yield `retry: ${reconnectDelayMs}\n\n`;
    while (!ended.aborted) {
      const events = api.readModel.listEvents(runId, sent, pageSize);
      sent = events.at(-1)?.sequence ?? sent;
      if (events.length > 0) yield events.map(format).join('');
      else if (isOver(api, runId, sent)) return;
      else if (!(await news.wait(api.heartbeatMs, ended)) && !ended.aborted) yield ': heartbeat\n\n';
    }
    if (api.feed.ending.aborted) yield ': the server is stopping\n\n';
  } finally {
    unfollow();
  }
}

const format = (event: EventResource): string =>
  `id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

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
