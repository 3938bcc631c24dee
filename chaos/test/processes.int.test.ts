import { times } from '../src/scenarios/in-time.js';
import { processes } from '../src/scenarios/processes.js';
import { shortTrials } from './support/short-trials.js';

shortTrials('processes that stand still, start again or are two; what came in time; clocks', [
  ...times,
  ...processes,
]);
