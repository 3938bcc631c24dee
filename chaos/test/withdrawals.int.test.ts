import { cluster } from '../src/scenarios/cluster.js';
import { withdrawals } from '../src/scenarios/withdrawals.js';
import { shortTrials } from './support/short-trials.js';

// Beside each other: the trial of a cluster waits for elections most of the time.
shortTrials('what is not wanted any more', [...withdrawals, ...cluster]);
