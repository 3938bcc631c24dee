/**
 * A message that does not keep the contract: not JSON, wrong shape, unknown version, subject that disagrees
 * with the body. Thrown by the codecs only; the edge answers 400/422, or terminates and dead-letters the message.
 */
export class ContractError extends Error {
  override readonly name = 'ContractError';
  constructor(
    message: string,
    /** Where in the message: a JSON pointer, or the subject. */
    readonly place: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
