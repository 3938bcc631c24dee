/** One thread of the pool: evaluates what it is given, one task after the other. */
import { parentPort } from 'node:worker_threads';
import { createEvaluator, createStarlark } from '@signalbox/starlark-wasm';
import { evaluateTask } from './evaluate-task.js';
import type { Answered, Given } from './evaluation-pool.js';

const evaluator = createEvaluator(createStarlark());

parentPort?.on('message', ({ task }: Given) => {
  const answered: Answered = { output: evaluateTask(task, evaluator) };
  parentPort?.postMessage(answered);
});
