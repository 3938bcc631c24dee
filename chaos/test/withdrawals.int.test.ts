import { cluster } from '../src/scenarios/cluster.js';
import { withdrawals } from '../src/scenarios/withdrawals.js';
import { shortTrials } from './support/short-trials.js';

shortTrials('what is not wanted any more', withdrawals);
// Beside the others, because it waits for elections most of the time.
shortTrials('a cluster whose leaders die', cluster);
