/** Who a request is from, until there is authentication: what its `X-Signalbox-Actor` header says. */
import { actor } from '@signalbox/protocol';
import type { Context } from 'hono';
import { problem } from './problem.js';

export const actorHeader = 'x-signalbox-actor';
export const anonymousActor = 'user:anonymous';

/** A request without the header acts as `user:anonymous`. @throws Problem `INVALID_ACTOR` where it is malformed. */
export const actorOf = (c: Context): string => {
  const given = c.req.header(actorHeader);
  if (given === undefined) return anonymousActor;
  const parsed = actor.safeParse(given);
  if (parsed.success) return parsed.data;
  throw problem(
    'INVALID_ACTOR',
    'X-Signalbox-Actor must look like user:alice or service:name, with at most 200 characters',
  );
};
