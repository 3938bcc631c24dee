export { type AgentRunOptions, createAgentRunExecutor } from './agent-run/agent-run.js';
export { createEvaluationPool, type EvaluationPool } from './expression-evaluate/evaluation-pool.js';
export { createExpressionExecutor } from './expression-evaluate/expression-evaluate.js';
export { createExecutorRegistry, type ExecutorRegistry } from './registry.js';
export type { Execution, ExecutionContext, StepExecutor, StepWarning } from './step-executor.js';
