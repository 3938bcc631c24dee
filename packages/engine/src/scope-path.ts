/**
 * Names of places in a run.
 *
 * A scope path alternates states and children: `<state>/<branch or index>/<state>/<branch or index>…`. The n-th visit
 * of a state (n > 1) writes `#n` behind its name. Neither `/` nor `#` occurs in names, so no two scopes share a path.
 */
import type { ScopePath } from './event.js';

export const rootScope: ScopePath = '';

/** What the paths of a join's children begin with, without the last slash. */
export const childPrefixOf = (scope: ScopePath, state: string, visit: number): string =>
  `${scope === rootScope ? '' : `${scope}/`}${state}${visit > 1 ? `#${visit}` : ''}`;

export const childPath = (childPrefix: string, name: string | number): ScopePath => `${childPrefix}/${name}`;
