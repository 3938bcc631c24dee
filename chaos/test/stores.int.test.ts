import { stores } from '../src/scenarios/stores.js';
import { shortTrials } from './support/short-trials.js';

// What the lost part alone held is gone: a start that nobody had taken in, a result whose step is then executed again.
// The judge cannot tell that from a defect yet, and of `nats-cut` it is not known that it is none: by hand only.
const byHand = new Set(['nats-rolled-back', 'nats-cut']);
process.stdout.write(
  `not tried here: ${[...byHand].join(', ')} (not kept every time: see chaos/README.md)\n`,
);

shortTrials(
  'either store lost, or older than the other',
  stores.filter(({ name }) => !byHand.has(name)),
);
