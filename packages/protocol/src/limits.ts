/**
 * How long what somebody else says may be. The api answers what is longer with 400; what comes past the api is held
 * against the same numbers by whoever receives it.
 */

/** Why a run is paused or cancelled. */
export const maxReasonLength = 2_000;
/** What goes with a decision. */
export const maxCommentLength = 10_000;
export const maxIdempotencyKeyLength = 200;
/** Of a workflow, an agent, a signal. */
export const maxNameLength = 128;
/** Values from callers that nest deeper are refused. The body of a request, which may nest 64 deep, is one level around them. */
export const maxNesting = 63;
/** What is longer is cut. */
export const maxNameOfWorkerLength = 200;
