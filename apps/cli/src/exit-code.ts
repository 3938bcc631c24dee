/** What a finished command tells its caller (sysexits.h where it has a word for it). */
export const exitCodes = {
  ok: 0,
  /** The platform refused, or the run did not complete. */
  refused: 1,
  /** The command line is wrong. */
  usage: 64,
  /** The data is wrong: a definition, an input, a message. */
  data: 65,
  /** A fault of our own. */
  internal: 70,
  /** Try again later. */
  temporary: 75,
  /** A setting is wrong. */
  config: 78,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An end that the user can understand; printed without a stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    message: string,
    readonly exitCode: ExitCode,
    readonly details?: unknown,
  ) {
    super(message);
  }
}
