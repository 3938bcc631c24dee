/** What every command of this api says of itself. */
import type { Context } from 'hono';
import { createUuidV7 } from '../identity.js';
import { actorOf } from './actor.js';

/** A new id for each: the same request made twice is two commands. @throws Problem `INVALID_ACTOR` */
export const commandBase = (workspace: string, c: Context) => ({
  commandId: createUuidV7(),
  workspace,
  actor: actorOf(c),
  issuedAt: Date.now(),
});
