import { families } from '../src/attacks/families.js';
import { sizes } from '../src/attacks/sizes.js';
import { wire } from '../src/attacks/wire.js';
import { work } from '../src/attacks/work.js';
import { shortTrials } from './support/short-trials.js';

shortTrials('attacks beside victims', [...sizes, ...work, ...wire, ...families]);
