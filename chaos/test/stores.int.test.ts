import { stores } from '../src/scenarios/stores.js';
import { shortTrials } from './support/short-trials.js';

shortTrials('either store lost, or older than the other', stores);
