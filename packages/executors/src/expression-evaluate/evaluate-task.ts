/** Answers an evaluation task: each question under the full limits, up to the first answer that decides. */
import { type EvaluationTask, evaluationOutput, isLastAnswer, type Json } from '@signalbox/engine';
import { maxStepPayloadBytes } from '@signalbox/protocol';
import type { Evaluator } from '@signalbox/starlark-wasm';

type Answer = Parameters<typeof evaluationOutput>[0][number];

/** The answers' own JSON comes on top of their values, which may be as large as any state's result. */
export const maxAnswersBytes = maxStepPayloadBytes + 64 * 1024;

export const evaluateTask = (task: EvaluationTask, evaluator: Evaluator): Json => {
  const { questions, untilTrue, values } = task;
  const lookup = (name: string): Json | undefined => (Object.hasOwn(values, name) ? values[name] : undefined);
  const answers: Answer[] = [];
  let bytes = 0;
  for (const { kind, source } of questions) {
    const answer = evaluator[kind](source, lookup);
    if (answer.ok) bytes += Buffer.byteLength(JSON.stringify(answer.value));
    answers.push(bytes > maxStepPayloadBytes ? tooLarge(bytes) : shortened(answer));
    const last = answers.at(-1);
    if (last !== undefined && isLastAnswer(last, untilTrue)) break;
  }
  return evaluationOutput(answers);
};

const tooLarge = (bytes: number): Answer => ({
  ok: false,
  code: 'PAYLOAD_TOO_LARGE',
  message: `what the expressions give is ${bytes} bytes of JSON or more; the limit is ${maxStepPayloadBytes}`,
});

const maxMessageLength = 4 * 1024;

const shortened = (answer: Answer): Answer =>
  answer.ok || answer.message.length <= maxMessageLength
    ? answer
    : { ...answer, message: `${answer.message.slice(0, maxMessageLength)}…` };
