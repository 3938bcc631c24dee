/** Times that people write: RFC 3339, section 5.6. */
import type { Instant } from './event.js';

const rfc3339 = /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** A blank may stand for the `T`. Undefined where it is no such time: a day that its month has not, too. */
export const parseInstant = (text: string): Instant | undefined => {
  const normal = text.trim().toUpperCase().replace(' ', 'T');
  const [, day] = rfc3339.exec(normal) ?? [];
  const instant = Date.parse(normal);
  return day !== undefined && isDay(day) && !Number.isNaN(instant) ? instant : undefined;
};

/** The language reads the 30th of February as the 2nd of March. */
const isDay = (day: string): boolean => {
  const midnight = Date.parse(day);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
};
