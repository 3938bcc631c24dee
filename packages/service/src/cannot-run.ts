/**
 * The process cannot run, and an operator can mend why: it ends with one line in its log, without a stack.
 * 75 (EX_TEMPFAIL): another one is running, or try again later. 78 (EX_CONFIG): refused settings, or stores that
 * contradict one another; trying again changes nothing.
 */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';
  constructor(
    readonly exitCode: 75 | 78,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options);
  }
}
