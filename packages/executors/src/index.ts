export { type AgentRunOptions, createAgentRunExecutor } from './agent-run/agent-run.js';
export { createExecutorRegistry, type ExecutorRegistry } from './registry.js';
export type { Execution, ExecutionContext, StepExecutor, StepWarning } from './step-executor.js';
