/** Checks an environment folder as a whole, against itself and against what is known elsewhere, without a platform. */
import type { AgentDefinition, Environment, Issue, WorkflowSchemas } from '@signalbox/dsl';
import type { Language } from '@signalbox/validation';
import { renderIssue } from './diagnostics.js';
import type { EnvironmentFolder, SourceFile } from './environment-folder.js';
import { CliError, exitCodes } from './exit-code.js';

export interface FileReport {
  readonly file: string;
  readonly source: string;
  readonly valid: boolean;
  readonly errors: readonly Issue[];
  readonly warnings: readonly Issue[];
}

/** Agents and workflows that a folder may refer to without holding them. */
export interface Elsewhere {
  readonly agents: readonly SourceFile[];
  readonly workflows: readonly SourceFile[];
}

export interface CheckedFolder {
  readonly reports: readonly FileReport[];
  /** What the folder's workflows may refer to. */
  readonly environment: Environment;
}

const nothing: Elsewhere = { agents: [], workflows: [] };

export const reportOf = (
  { file, source }: Pick<SourceFile, 'file' | 'source'>,
  errors: readonly Issue[],
  warnings: readonly Issue[] = [],
): FileReport => ({ file, source, valid: errors.length === 0, errors, warnings });

/** @throws CliError where two workflows have one id */
export const checkEnvironment = (
  language: Language,
  folder: EnvironmentFolder,
  elsewhere: Elsewhere = nothing,
): CheckedFolder => {
  const agents = new Map<string, AgentDefinition>();
  const reports: FileReport[] = [];
  for (const { name, source } of elsewhere.agents) {
    const parsed = language.agent(source, name);
    if (parsed.ok) agents.set(name, parsed.agent);
  }
  for (const file of folder.agents) {
    const parsed = language.agent(file.source, file.name);
    if (parsed.ok) agents.set(file.name, parsed.agent);
    reports.push(reportOf(file, parsed.ok ? [] : parsed.errors));
  }
  if (folder.teams !== undefined) {
    const parsed = language.teams(folder.teams.source);
    reports.push(reportOf(folder.teams, parsed.ok ? [] : parsed.errors));
  }
  const workflows = new Map([
    ...schemasOf(language, elsewhere.workflows),
    ...schemasOf(language, folder.workflows, refuseTwice()),
  ]);
  const environment: Environment = { agents, workflows };
  reports.push(...folder.workflows.map((file) => checkWorkflow(language, file, environment)));
  return { reports, environment };
};

export const checkWorkflow = (
  language: Language,
  file: Pick<SourceFile, 'file' | 'source'>,
  environment: Environment,
): FileReport => {
  const parsed = language.workflow(file.source, environment);
  return reportOf(file, parsed.ok ? [] : parsed.errors, parsed.warnings);
};

const schemasOf = (
  language: Language,
  files: readonly SourceFile[],
  onId: (id: string, file: string) => void = () => undefined,
): Map<string, WorkflowSchemas> => {
  const found = new Map<string, WorkflowSchemas>();
  for (const { file, source } of files) {
    const parsed = language.workflow(source, {});
    if (!parsed.ok) continue;
    onId(parsed.plan.id, file);
    found.set(parsed.plan.id, parsed.plan);
  }
  return found;
};

const refuseTwice = () => {
  const files = new Map<string, string>();
  return (id: string, file: string): void => {
    const first = files.get(id);
    if (first !== undefined)
      throw new CliError(`${first} and ${file} both declare the workflow "${id}"; keep one`, exitCodes.data);
    files.set(id, file);
  };
};

/** @throws CliError with the findings of every file that is not valid */
export const requireValid = (reports: readonly FileReport[]): void => {
  const invalid = reports.filter(({ valid }) => !valid);
  if (invalid.length === 0) return;
  const findings = invalid.flatMap(({ file, source, errors }) =>
    errors.map((issue) => renderIssue(issue, file, source)),
  );
  throw new CliError(
    `nothing was applied: ${invalid.map(({ file }) => file).join(', ')} not valid\n${findings.join('\n')}`,
    exitCodes.data,
    { errors: invalid.map(({ source: _, ...rest }) => rest) },
  );
};
