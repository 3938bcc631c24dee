/** Every trial by its name. */
import { families } from './attacks/families.js';
import { sizes } from './attacks/sizes.js';
import { wire } from './attacks/wire.js';
import { work } from './attacks/work.js';
import type { Scenario } from './scenario.js';
import { cluster } from './scenarios/cluster.js';
import { times } from './scenarios/in-time.js';
import { kills } from './scenarios/kills.js';
import { processes } from './scenarios/processes.js';
import { stores } from './scenarios/stores.js';
import { withdrawals } from './scenarios/withdrawals.js';

export const scenarios: readonly Scenario[] = [
  ...withdrawals,
  ...kills,
  ...times,
  ...stores,
  ...cluster,
  ...processes,
  ...sizes,
  ...work,
  ...wire,
  ...families,
];
