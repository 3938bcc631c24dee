import { cluster } from '../src/scenarios/cluster.js';
import { shortTrials } from './support/short-trials.js';

shortTrials('a cluster loses its leaders', cluster);
