/**
 * What may be kept and handed over. Size is a rule like any other: who makes something too large fails with it, and
 * nobody before or beside it does.
 */
import { spreadProblem } from '../context.js';
import { type StepError, stepError } from '../error.js';
import type { Json } from '../json.js';
import { composedNesting, sizeProblem, sumProblem, valueNesting } from '../json-size.js';
import type { Path } from '../plan.js';
import type { World } from '../world.js';

const tooLarge = (
  what: string,
  value: Json,
  limitBytes: number,
  maxNesting = valueNesting,
): StepError | undefined => {
  const problem = sizeProblem(value, limitBytes, maxNesting);
  if (problem === undefined) return undefined;
  return tooLargeError(what, problem, limitBytes);
};

const tooLargeError = (what: string, problem: string, limitBytes: number): StepError =>
  stepError('PAYLOAD_TOO_LARGE', `${what} ${problem}; pass less, or a reference to it`, { limitBytes });

/** Of what a run or a scope gives; `what` names it at the beginning of a sentence. */
export const outputTooLarge = ({ limits }: World, what: string, output: Json): StepError | undefined =>
  tooLarge(what, output, limits.resultBytes);

/** The same of what is made of the results of others, each of which had room in it. */
export const composedTooLarge = ({ limits }: World, what: string, output: Json): StepError | undefined =>
  tooLarge(what, output, limits.resultBytes, composedNesting);

/** Of what a step, a person or another run is handed. */
export const inputTooLarge = ({ limits }: World, what: string, input: Json): StepError | undefined =>
  tooLarge(what, input, limits.inputBytes);

/** Of the limit, for names, expressions and what else stands around the values of an evaluation. */
const besideValues = 1 / 8;

/** Of what a worker is given to evaluate, and gives: the values count, as they do everywhere else. */
export const evaluationTooLarge = (
  what: string,
  values: readonly Json[],
  whole: Json,
  limitBytes: number,
): StepError | undefined => {
  const problem = sumProblem(values, limitBytes);
  if (problem === undefined)
    return tooLarge(
      `${what}, and what stands around it,`,
      whole,
      Math.floor(limitBytes * (1 + besideValues)),
      composedNesting,
    );
  return tooLargeError(what, problem, limitBytes);
};

/** Why the result of a state cannot be kept: it is too large, or no object where it becomes the whole context. */
export const resultProblem = (
  world: World,
  state: string,
  result: Json,
  resultPath: Path,
  tooLargeOf = outputTooLarge,
): StepError | undefined => {
  const size = tooLargeOf(world, `the result of state "${state}"`, result);
  if (size !== undefined) return size;
  const problem = resultPath.length === 0 ? spreadProblem(result) : undefined;
  return problem === undefined
    ? undefined
    : stepError('TEMPLATE_ERROR', `the result could not be kept: ${problem}`);
};
