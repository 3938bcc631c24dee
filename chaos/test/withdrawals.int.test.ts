import { withdrawals } from '../src/scenarios/withdrawals.js';
import { shortTrials } from './support/short-trials.js';

shortTrials('what is not wanted any more', withdrawals);
