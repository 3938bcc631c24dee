import { kills } from '../src/scenarios/kills.js';
import { shortTrials } from './support/short-trials.js';

shortTrials('kill -9 under load', kills);
