/** Cuts texts of somebody else's making. A character that takes two places is not cut in half. */

/** At most so many UTF-16 code units from the beginning. */
export const beginningOf = (text: string, length: number): string =>
  text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '');

/** The text, or its beginning with a mark that something is missing: at most `length` UTF-16 code units in all. */
export const shortened = (text: string, length: number): string =>
  text.length <= length ? text : `${beginningOf(text, length - 1)}…`;
