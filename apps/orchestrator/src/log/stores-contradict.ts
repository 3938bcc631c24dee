/** Database and log cannot be the same story; nothing has been changed, and trying again changes nothing. */
import { isDeepStrictEqual } from 'node:util';
import type { EventEnvelope } from '@signalbox/protocol';
import { CannotRun } from '@signalbox/service';

export class StoresContradict extends CannotRun {
  constructor(message: string) {
    super(78, message);
  }
}

/** What an operator can do about it. */
export const wayOut =
  'Nothing was changed. Put the copy of the database back that belongs to this log; or keep the log: `signalbox rebuild --force` makes the database from it and moves this one aside; or keep the database: give NATS an empty store, which gets the log again from it (docs/operations/copy-restored.md).';

/** For a log from which no database can be made, whatever is done with this one. */
export const wayOutOfCut =
  'Nothing was changed. A rebuild from this log ends the same way. Put a newer copy of the database back, one that reaches to where the log begins; or give NATS an empty store, which gets the log again from the database that there is: what the log alone had is lost then (docs/operations/copy-restored.md).';

export const brokenDatabase = (what: string): StoresContradict =>
  new StoresContradict(
    `the database contradicts itself: ${what}. Nothing was changed. Put a copy back that is whole, without the files -wal and -shm of another one beside it; or \`signalbox rebuild --force\` makes the database from the log and moves this one aside (docs/operations/copy-restored.md).`,
  );

const describe = ({ data, at, causationId }: EventEnvelope): string => {
  const cause = causationId === undefined ? '' : `, caused by ${causationId}`;
  return `${data.type} of ${new Date(at).toISOString()}${cause}`;
};

/** Equal in what they say, whatever the order of their fields. */
export const isSameEvent = (one: string, other: string): boolean =>
  one === other || isDeepStrictEqual(JSON.parse(one), JSON.parse(other));

export const differentContent = (
  history: string,
  stored: EventEnvelope,
  logged: EventEnvelope,
  streamSequence: number,
): StoresContradict => {
  const what = describe(stored) === describe(logged) ? ' with other data' : '';
  return new StoresContradict(
    `database and log contradict one another at event ${logged.sequence} of ${history}: the database has ${describe(stored)}, the log (stream sequence ${streamSequence}) has ${describe(logged)}${what}. ${wayOut}`,
  );
};
