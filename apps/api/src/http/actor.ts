/** Who a request is from, until there is authentication: what its `X-Signalbox-Actor` header says. */
import { anonymousActor, canonicalActor } from '@signalbox/protocol';
import type { Context } from 'hono';
import { problem } from './problem.js';

export const actorHeader = 'x-signalbox-actor';

/** A request without the header acts as `user:anonymous`. @throws Problem `INVALID_ACTOR` where nobody can be that. */
export const actorOf = (c: Context): string => {
  const given = c.req.header(actorHeader);
  if (given === undefined) return anonymousActor;
  const actor = canonicalActor(given);
  if (actor !== undefined) return actor;
  throw problem(
    'INVALID_ACTOR',
    'X-Signalbox-Actor must look like user:alice or service:ci: letters, digits and ._@+-, at most 128 behind the colon',
  );
};
