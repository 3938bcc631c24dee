/** Pages of lists. */

/** Where a list goes on: behind this item. */
export interface ListPosition {
  readonly at: number;
  readonly id: string;
}

/** `next` is absent on the last page. */
export interface Page<T> {
  readonly items: T[];
  readonly next?: ListPosition;
}

/** Before every item there can be: the first page of a list, newest first. */
export const start: ListPosition = { at: Number.MAX_SAFE_INTEGER, id: '\u{10ffff}' };

/** One row more than asked for says whether there is another page. */
export const toPage = <R, T>(
  rows: R[],
  limit: number,
  toItem: (row: R) => T,
  positionOf: (row: R) => ListPosition,
): Page<T> => {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(toItem),
    ...(rows.length > limit && last !== undefined ? { next: positionOf(last) } : {}),
  };
};
