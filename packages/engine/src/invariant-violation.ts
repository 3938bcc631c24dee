/**
 * What can only happen when the engine is wrong or a history is damaged. Nobody handles it: log, exit, replay.
 */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** The value, where its absence would mean that a history is damaged. */
export const required = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new InvariantViolation(`${what} is missing`);
  return value;
};
